/** Values inside a graph, requested before it runs and read afterwards. */

import type { NdArray, Program, Runtime } from 'lamella';
import { type Graph, GraphBuilder, type Value } from 'lamella/graph';
import type { Point } from 'lamella/predict';

/** A requested part; it has a value once the graph has run. */
export interface Probe {
  readonly shape: readonly number[];
  read(): Float32Array;
}

/** From..to-1 along the axes of a value; omitted axes are complete. */
export type Range = { readonly [axis: number]: readonly [from: number, to: number] };

/** Requests values of a graph, complete or in part; `run` computes all of them at once. */
export class Probes {
  readonly #graph: Graph;
  readonly #b: GraphBuilder;
  readonly #outputs: Value[] = [];
  readonly #known = new Map<string, Probe>();
  #program: Program | undefined;
  #result: { readonly [output: string]: NdArray } = {};

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#b = GraphBuilder.from(graph);
  }

  /** A value of the graph, or a part of it. */
  part(value: Value, range: Range = {}): Probe {
    const axes = Object.keys(range).map(Number);
    const key = `${value.name}:${JSON.stringify(range)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const constant = this.#graph.constants.get(value);
    const probe =
      constant !== undefined && axes.length === 0
        ? { shape: value.shape, read: () => constant.data as Float32Array }
        : this.#ask(
            axes.length === 0
              ? value
              : this.#b.slice(
                  value,
                  axes.map((axis) => (range[axis] as readonly number[])[0]),
                  axes.map((axis) => (range[axis] as readonly number[])[1]),
                  axes,
                ),
          );
    this.#known.set(key, probe);
    return probe;
  }

  /** The mean over the channels of a stack of maps. */
  channelMean(value: Value): Probe {
    return this.#ask(this.#b.op('ReduceMean', [value, this.#b.ints([1])], { keepdims: 1 }));
  }

  #ask(value: Value): Probe {
    const output = this.#b.output(value, this.#b.fresh(`probe_${this.#outputs.length}`));
    this.#outputs.push(output);
    return { shape: output.shape, read: () => this.#result[output.name].data as Float32Array };
  }

  /** Computes everything requested; call again for another input. */
  async run(runtime: Runtime, feed: NdArray<'float32'>): Promise<void> {
    this.#program ??= await runtime.compile(this.#b.build(this.#outputs), { exact: true });
    const [input] = this.#graph.inputs;
    this.#result = await this.#program.run({ [input?.name ?? '']: feed });
  }

  async dispose(): Promise<void> {
    await this.#program?.dispose();
  }
}

/** All channels at one position, or all units. */
export function numbersAt(probes: Probes, value: Value, { x, y }: Point): Probe {
  return probes.part(value, value.shape.length === 4 ? { 2: [y, y + 1], 3: [x, x + 1] } : {});
}
