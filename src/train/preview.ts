/**
 * Prediction with the weights as they are now. For networks of whole tiles no file is needed: the prediction graph is compiled once for each shape of
 * tile, its weights are state that is written anew after steps. Pages stay prepared, and tiles are windows of the page's
 * own frame, so a region is what the whole page would be.
 */

import type { NdArray, Shape4 } from '../array/ndarray.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { cropOutput } from '../graph/crop.ts';
import type { Graph } from '../graph/ir.ts';
import { prepareInput } from '../input/network-input.ts';
import type { InputSpec } from '../input/normalise.ts';
import type { Page } from '../input/planes.ts';
import type { NetworkFile } from '../models/definition.ts';
import { exportedSpec, PROBABILITIES_NAME, predictionGraph } from '../models/prediction.ts';
import { sizesOf } from '../models/registry.ts';
import { foldStandardised } from '../nn/standardise.ts';
import type { SegmentationModel } from '../predict/model.ts';
import { type OpenedModel, openOwnModel } from '../predict/own.ts';
import { type PageRegion, predictPlanes } from '../predict/predict.ts';
import { smallestTile } from '../predict/tile-plan.ts';
import type { Feeds, Program, Runtime } from '../runtime/runtime.ts';
import type { Recipe } from './config.ts';
import { haloOf } from './model-file.ts';
import type { State } from './train-step.ts';

/** What is trained, as it is now. */
export interface Trained {
  /** By parameter name. */
  weights(): Promise<State>;
  /** The ONNX file of the model. */
  model(): Promise<Uint8Array>;
}

export interface Preview {
  /**
   * Probabilities, float32 [classes, height, width] of the region.
   * @param version of the weights: they are read again when it differs from the last
   */
  predict(
    page: Page & { readonly name?: string },
    region: PageRegion | undefined,
    version: number,
    current: Trained,
  ): Promise<NdArray<'float32'>>;
  dispose(): Promise<void>;
}

interface Compiled {
  readonly program: Program;
  /** Pixels of a tile that it leaves out on each side. */
  readonly margin: number;
  /** Of the weights that it has. */
  version: number;
}

const NEXT = 'next/';
/** A region of 512 x 512 with the context that a U-Net needs fits: in four tiles it would be two thirds more pixels. */
const LARGEST_TILE = 768;
/** Shapes kept compiled: a viewer has one, and others at the borders of small pages. */
const MOST_SHAPES = 4;

/** A prediction graph with its weights carried on as state. */
function withWeightsAsState(graph: Graph): { readonly graph: Graph; readonly names: readonly string[] } {
  const weights = graph.inputs.slice(1);
  const b = GraphBuilder.from(graph);
  const next = weights.map((value) => b.output(value, `${NEXT}${value.name}`));
  return { graph: b.build([...graph.outputs, ...next]), names: weights.map(({ name }) => name) };
}

/** Networks of windows have no graph of whole tiles with other weights: their model is opened after every change. */
function windowPreview(input: InputSpec, runtime: Runtime): Preview {
  const planes = new WeakMap<Page['data'], Float32Array>();
  let opened: { readonly version: number; readonly model: OpenedModel } | undefined;
  const dispose = async (): Promise<void> => {
    await opened?.model.program.dispose();
    opened = undefined;
  };
  return {
    async predict(page, region, version, current) {
      if (opened?.version !== version) {
        await dispose();
        opened = { version, model: await openOwnModel(runtime, await current.model()) };
      }
      const prepared = planes.get(page.data) ?? prepareInput(page, input);
      planes.set(page.data, prepared);
      return predictPlanes(opened.model, { ...page, planes: prepared }, { region });
    },
    dispose,
  };
}

/** @param file that holds the network, if one does */
export function openPreview({ model, input, labels, exact }: Recipe, runtime: Runtime, file?: NetworkFile): Preview {
  const spec = exportedSpec(model);
  const { multiple, offset, min, margin, window = false } = sizesOf(spec);
  if (window) return windowPreview(input as InputSpec, runtime);
  const halo = haloOf(spec);
  const rule = { multiple, offset, minimum: min, halo: halo ?? 0, margin: margin / 2, exact: halo !== undefined };
  const programs = new Map<string, Compiled>();
  const planes = new WeakMap<Page['data'], Float32Array>();
  let held: { readonly version: number; readonly weights: State } | undefined;

  /** @param without pixels on each side of the tile that are not needed */
  const programFor = async (shape: Shape4, without = 0): Promise<Compiled> => {
    const key = [...shape, without].join();
    const known = programs.get(key);
    if (known !== undefined) return known;
    const [oldest] = programs.keys();
    if (programs.size >= MOST_SHAPES && oldest !== undefined) {
      await programs.get(oldest)?.program.dispose();
      programs.delete(oldest);
    }
    const { graph: plain, margin: cut } = cropOutput(predictionGraph(spec, shape, { file }), without);
    const { graph, names } = withWeightsAsState(plain);
    const state = Object.fromEntries(names.map((name) => [name, `${NEXT}${name}`]));
    const made = { program: await runtime.compile(graph, { state, exact }), margin: cut, version: -1 };
    programs.set(key, made);
    return made;
  };

  return {
    async predict(page, region, version, trained) {
      if (held?.version !== version) {
        const fresh = await trained.weights();
        held = { version, weights: spec === model ? fresh : foldStandardised(fresh) };
      }
      const { weights } = held;
      const run = async (compiled: Compiled, feeds: Feeds) => {
        if (compiled.version !== version) await compiled.program.writeState(weights);
        compiled.version = version;
        return compiled.program.run(feeds);
      };
      const ready: SegmentationModel = {
        program: {
          inputs: [],
          outputs: [],
          run: async (feeds) => run(await programFor((feeds.image as NdArray).shape as Shape4), feeds),
          writeState: async () => {},
          readState: async () => ({}),
          dispose: async () => {},
        },
        middle: async (shape) => {
          const compiled = await programFor(shape, rule.halo);
          return { margin: compiled.margin, run: (feeds) => run(compiled, feeds) };
        },
        inputName: 'image',
        outputName: PROBABILITIES_NAME,
        input: input as InputSpec,
        outputs: model.numClasses,
        activation: 'none',
        classes: labels.classes.map(({ name }) => name),
        rule: { y: rule, x: rule },
        maxBatch: 1,
        notes: [],
      };
      const prepared = planes.get(page.data) ?? prepareInput(page, input as InputSpec);
      planes.set(page.data, prepared);
      return predictPlanes(
        ready,
        { ...page, planes: prepared },
        {
          region,
          tile: Math.max(LARGEST_TILE, smallestTile(rule)),
        },
      );
    },
    async dispose() {
      for (const { program } of programs.values()) await program.dispose();
      programs.clear();
    },
  };
}
