import type { NdArray } from '../array/ndarray.ts';
import type { LabelMapping } from '../dataset/labels/labels.ts';
import { tileRule } from '../graph/analysis/receptive-field.ts';
import type { Value } from '../graph/ir.ts';
import { writeOnnx } from '../graph/onnx/write.ts';
import type { NetworkFile } from '../models/definition.ts';
import { type ClassInfo, type Json, metadataEntry } from '../models/metadata.ts';
import { exportedSpec, exportNetwork, predictionGraph } from '../models/prediction.ts';
import type { ModelSpec } from '../models/registry.ts';
import { networkNamed, shapeOfSide, sizesOf } from '../models/registry.ts';
import type { TileSizes } from '../models/sizes.ts';
import type { Network } from '../nn/network.ts';
import type { SeparationSettings } from '../objects/instances.ts';
import type { MapSeparation } from '../objects/object-maps.ts';
import { type Cubic, describeCubic, withCalibration } from '../predict/calibration.ts';
import type { Recipe } from './config.ts';
import type { MapNetworks } from './map-networks.ts';

/** Origin of a model, for its file. */
export type Provenance = { readonly [key: string]: Json };

/** Side of the graph whose receptive field is traced; its borders must not affect its centre. */
const TRACED_SIDE = 512;

/** The classes with their value in label images; for the rest the largest 8-bit value, for rims half of it. */
export function classInfos({ classes }: LabelMapping): readonly ClassInfo[] {
  return classes.map(({ name, values }) => ({
    name,
    value: values === 'rest' ? 255 : values === 'rim' ? 128 : (values[values.length - 1] ?? 0),
  }));
}

/**
 * The halo of a network in pixels, the radius of its receptive field. `undefined` if it is the whole image.
 * @param along the slice, or the depth of volumes
 */
export function haloOf(spec: ModelSpec, along: 'slice' | 'depth' = 'slice'): number | undefined {
  if (spec.name === 'onnx') return spec.tile.halo ?? undefined;
  const { window = false, margin } = sizesOf(spec);
  if (window) return margin / 2;
  const graph = predictionGraph(
    spec,
    shapeOfSide(spec, ({ nearest }) => nearest(TRACED_SIDE)),
  );
  const { axes, exact } = tileRule(graph, graph.inputs[0] as Value, graph.outputs[0] as Value);
  if (!exact) return undefined;
  const own = along === 'slice' ? axes.slice(-2) : axes.slice(0, -2);
  return own.reduce((most, { haloBefore, haloAfter }) => Math.max(most, haloBefore, haloAfter), 0);
}

const tileSizes = (
  { multiple, offset, min, margin }: Omit<TileSizes, 'halo'>,
  halo: number | undefined,
): TileSizes => ({ multiple, offset, min, margin, halo: halo ?? null });

/** Parts of a model determined on validation images. */
export interface FoundOnValidation {
  /** For two classes: applied to the network's output. */
  readonly calibration?: Cubic;
  /** How its objects are best separated. */
  readonly separation?: SeparationSettings | MapSeparation;
}

/**
 * Writes models of one recipe; their common parts are computed once.
 * @param file that holds the network, if one does
 * @param training for recipes of maps, and of regions
 */
export function modelWriter(
  recipe: Recipe,
  file?: NetworkFile,
  training?: MapNetworks,
): (
  weights: { readonly [parameter: string]: NdArray },
  provenance: Provenance,
  found?: FoundOnValidation,
) => Uint8Array {
  const { model, labels, input, maps } = recipe;
  const tile = tileSizes(sizesOf(model), haloOf(model));
  const depths = networkNamed(model.name).depths?.(model);
  const depth = depths && tileSizes(depths, haloOf(model, 'depth'));
  const classes = classInfos(labels);
  return (weights, provenance, { calibration, separation } = {}) => {
    const metadata = metadataEntry({
      version: 1,
      network: exportedSpec(model),
      axes: depth === undefined ? 'nchw' : 'ncdhw',
      input: input as unknown as { readonly [key: string]: Json },
      classes,
      activation: maps ? 'none' : labels.regions ? 'regions' : model.numClasses === 1 ? 'sigmoid' : 'softmax',
      ...(maps && { maps }),
      tile,
      ...(depth && { depth }),
      training: { network: model, labels: labels as unknown as { readonly [key: string]: Json } },
      ...(separation && { separation: { ...separation } }),
      provenance: { ...provenance, ...(calibration && { calibration: describeCubic(calibration) }) },
      licence: null,
    });
    if (model.name === 'onnx' && file !== undefined) return file.write(model, weights, metadata);
    const graphOf =
      (maps || labels.regions) && ((network: Network) => (training as MapNetworks).graph(network, recipe));
    const graph = exportNetwork(model, weights, graphOf);
    return writeOnnx(calibration === undefined ? graph : withCalibration(graph, calibration), { metadata });
  };
}

/** Writes models of one recipe for an image classifier. */
export function classModelWriter(recipe: Recipe): ReturnType<typeof modelWriter> {
  const { model, labels, input } = recipe;
  return (weights, provenance) =>
    writeOnnx(exportNetwork(model, weights), {
      metadata: metadataEntry({
        version: 1,
        task: 'classification',
        network: model,
        axes: 'nchw',
        input: input as unknown as { readonly [key: string]: Json },
        classes: labels.classes.map(({ name }, value) => ({ name, value })),
        activation: model.numClasses === 1 ? 'sigmoid' : 'softmax',
        provenance,
        licence: null,
      }),
    });
}
