/** Runs a network strip by strip (`graph/strips.ts`): the rows that strips carry along, and a program for each kind of strip. */
import { type NdArray, ndarray, type Shape } from '../array/ndarray.ts';
import type { Graph } from '../graph/ir.ts';
import { type Progress, type Rows, START, type Strip, type StripNetwork, type StripRows } from '../graph/strips.ts';
import type { Program, Runtime, StripCutter } from '../runtime/runtime.ts';
import { AT_ONCE, type StripRule } from './strip-plan.ts';

type Arrays = { readonly [name: string]: NdArray };

/** A column of an image, from its first row to the last. */
export interface Sweep {
  readonly progress: Progress;
  /** What the last strip carried on, by the names of its outputs. */
  readonly carried: Arrays;
}

interface CompiledStrip extends Strip {
  readonly program: Program;
  readonly key: string;
}

/** Of the strips of an image. */
export interface StripKind {
  readonly isLast: boolean;
  readonly often: boolean;
  readonly kept: boolean;
}

/** Kinds of strips of one shape: the first, those between, and the last. */
const MOST_PROGRAMS = 3;

/** What is to be known to cut images into strips, found in a graph of some height; undefined where it cannot be. */
export function stripRule(cut: StripCutter, graph: Graph, multiple: number): StripRule | undefined {
  const network = cut(graph, { multiple, rows: DEFAULT_ROWS });
  if (network === undefined) return undefined;
  const height = network.image.shape[2];
  const after = (rows: number) => network.advance(START, { rows, isLast: false });
  for (let rows = multiple; rows + multiple <= height; rows += multiple) {
    const [progress, next] = [after(rows), after(rows + multiple)];
    // From then on every strip is like the one before.
    if (progress === undefined || next === undefined || !carriesAlike(progress, next)) continue;
    const { to } = network.rowsOf(START, progress);
    return { delay: rows, held: to, changed: network.changedBy(AT_ONCE), prepared: PREPARED };
  }
  return undefined;
}

function carriesAlike(a: Progress, b: Progress): boolean {
  const carried = ({ done, next }: Progress) => [...done].map(([value, rows]) => rows - (next.get(value) ?? rows));
  return carried(a).join() === carried(b).join();
}

/** Measured, a U-Net of 32 channels: 0.7 s of processor time. */
const PREPARED = 500_000;
/** Of a strip, where it does not matter. */
const DEFAULT_ROWS = 128;

export class StripPrograms {
  readonly #runtime: Runtime;
  readonly #network: StripNetwork;
  readonly #strips = new Map<string, CompiledStrip>();
  /** What was carried before, to be written again. */
  #spare: Arrays = {};

  constructor(runtime: Runtime, network: StripNetwork) {
    this.#runtime = runtime;
    this.#network = network;
  }

  /** Nothing is computed yet. */
  begin(): Sweep {
    return { progress: START, carried: {} };
  }

  /**
   * As after these strips, which are not computed: all that is carried is 0, which changes the rows of the output that
   * `StripNetwork.changedBy` tells.
   */
  async resume(strips: readonly StripRows[], next: StripRows): Promise<Sweep> {
    let progress = START;
    for (const strip of strips) progress = this.#advance(progress, strip);
    const { carried, program } = await this.#compiled(progress, this.#advance(progress, next), next, true);
    const zeros: { [output: string]: NdArray } = {};
    for (const { name, dtype, shape } of program.inputs) {
      const output = carried.get(name);
      if (output !== undefined) zeros[output] = ndarray(dtype, shape as Shape);
    }
    return { progress, carried: zeros };
  }

  /**
   * The next strip.
   * @param image its rows, [1, channels, rows, width]
   * @param kind often: whether others like it follow in the image; kept: whether its program is kept for the next image
   * @returns rows of the network's output, if there are any, and which
   */
  async step(
    { progress, carried }: Sweep,
    image: NdArray<'float32'>,
    { isLast, often, kept }: StripKind,
  ): Promise<{ readonly sweep: Sweep; readonly rows: Rows; readonly output?: NdArray }> {
    const { image: input, output } = this.#network;
    const added = { rows: image.shape[2] as number, isLast };
    const after = this.#advance(progress, added);
    const strip = await this.#compiled(progress, after, added, often);
    const feeds: { [input: string]: NdArray } = { [input.name]: image };
    for (const [name, from] of strip.carried) feeds[name] = carried[from] as NdArray;
    const { [output.name]: given, ...next } = await strip.program.run(feeds, fitting(this.#spare, strip.program));
    this.#spare = carried;
    if (!kept) await this.#drop(strip);
    const rows = this.#network.rowsOf(progress, after);
    return { sweep: { progress: after, carried: next }, rows, ...(given && { output: given }) };
  }

  async #drop({ key, program }: CompiledStrip): Promise<void> {
    this.#strips.delete(key);
    await program.dispose();
  }

  async dispose(): Promise<void> {
    for (const { program } of this.#strips.values()) await program.dispose();
    this.#strips.clear();
  }

  #advance(before: Progress, strip: StripRows): Progress {
    const after = this.#network.advance(before, strip);
    if (after === undefined) throw new Error('A strip has too few rows.');
    return after;
  }

  async #compiled(before: Progress, after: Progress, rows: StripRows, often: boolean): Promise<CompiledStrip> {
    const strip = this.#network.strip(before, after, rows);
    const { inputs, outputs } = strip.graph;
    const key = [...inputs, ...outputs].map(({ name, shape }) => `${name} ${shape.join()}`).join();
    const known = this.#strips.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#strips.values();
    if (this.#strips.size >= MOST_PROGRAMS && oldest !== undefined) await this.#drop(oldest);
    const program = await this.#runtime.compile(strip.graph, { carried: strip.carriedNames, seldom: !often });
    const made = { ...strip, program, key };
    this.#strips.set(key, made);
    return made;
  }
}

/** The arrays that can hold an output of a program, by its name. */
function fitting(arrays: Arrays, { outputs }: Program): Arrays {
  const fits: { [name: string]: NdArray } = {};
  for (const { name, shape } of outputs) {
    const array = arrays[name];
    if (array?.shape.join() === shape.join()) fits[name] = array;
  }
  return fits;
}
