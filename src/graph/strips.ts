/**
 * A network evaluated strip by strip, from the first row of an image to the last, so that nearly every row of every layer
 * is computed once: where a tile needs its receptive field around it, a strip finds in each layer the last rows of the
 * strip before. They are carried along where they are fewest: before a map is enlarged, and before maps are joined.
 *
 * A layer has as many rows as those before it allow, so a strip ends earlier in each layer than in the one before; padding
 * is there at the first and at the last row of the image only.
 */
import { GraphBuilder } from './builder.ts';
import type { Graph, Node, Value } from './ir.ts';
import { convGeometry } from './ops/convolution.ts';
import { isPixelwise, mapsOf, repeats } from './pixel-maps.ts';

/** How far a network has come: rows of its maps, counted from the first of each. */
export interface Progress {
  /** How many there are. */
  readonly done: ReadonlyMap<Value, number>;
  /** The first that is needed again. */
  readonly next: ReadonlyMap<Value, number>;
}

/** Nothing is computed. */
export const START: Progress = { done: new Map(), next: new Map() };

/** The rows of an image that a strip adds. */
export interface StripRows {
  readonly rows: number;
  /** Whether the image ends with them. */
  readonly isLast: boolean;
}

/** Rows `from` to `to - 1` of a map. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

/** The graph of one strip. */
export interface Strip {
  /** Takes rows of the image and what is carried; gives rows of the output, unless there are none, and what is carried on. */
  readonly graph: Graph;
  /** The inputs that carry rows, each with the output of the strip before that it takes. */
  readonly carried: ReadonlyMap<string, string>;
  /** Of all inputs and outputs that carry rows. */
  readonly carriedNames: readonly string[];
}

/** How rows of an output relate to those of the maps that it is computed from. */
interface Reach {
  /** Rows of the output for so many of the input, if more are to come. */
  given(rows: number): number;
  /** The first row that output row `from` needs; below 0 in padding. */
  first(from: number): number;
  /** The row behind the last that those before `to` need. */
  end(to: number): number;
}

/** Of the rows that a strip adds to a map, how many may be computed twice instead of being carried and copied. */
const MOST_AGAIN = 1 / 40;

export interface StripNetworkOptions {
  /** The output is given by so many rows at once, until the last. */
  readonly multiple: number;
  /** Rows of a strip, about. */
  readonly rows: number;
  /** Rows of the output that are there and given with the next strip only. Default 0. */
  readonly held?: number;
}

/** A network that can be evaluated by strips. */
export class StripNetwork {
  readonly image: Value;
  readonly output: Value;
  readonly #graph: Graph;
  /** Of the maps that follow the image: the nodes that give them, in order. */
  readonly #nodes: ReadonlyMap<Value, Node>;
  readonly #wanted: ReadonlyMap<Value, number>;
  readonly #multiple: number;
  readonly #held: number;
  #again: ReadonlySet<Value> = new Set();

  private constructor(
    graph: Graph,
    nodes: ReadonlyMap<Value, Node>,
    { multiple, rows, held = 0 }: StripNetworkOptions,
  ) {
    this.#graph = graph;
    this.#nodes = nodes;
    this.#multiple = multiple;
    this.#held = held;
    [this.image] = graph.inputs as [Value];
    [this.output] = graph.outputs as [Value];
    this.#wanted = pooledTogether(graph);
    this.#again = this.#rowsAgain(rows);
  }

  /**
   * @param graph of a whole image: one input and one output, [N, channels, H, W]
   * @returns undefined for a network that has an op which is not known to depend on nearby rows alone
   */
  static of(graph: Graph, options: StripNetworkOptions): StripNetwork | undefined {
    const nodes = followers(graph);
    return nodes && new StripNetwork(graph, nodes, options);
  }

  /** How far a strip brings the network; undefined if a map gets no row. */
  advance(before: Progress, { rows, isLast }: StripRows): Progress | undefined {
    const done = new Map([[this.image, (before.done.get(this.image) ?? 0) + rows]]);
    for (const [value, node] of this.#nodes) {
      if (isView(node)) continue;
      const to = isLast ? (value.shape[2] as number) : this.#given(node, done);
      if (to <= (before.done.get(value) ?? 0)) return undefined;
      done.set(value, to);
    }
    return { done, next: this.#nextOf(done, isLast) };
  }

  /**
   * Rows of the output behind those of the image with which a strip begins that what it carries may change, be it in the
   * last bit.
   * @param atOnce rows that a convolution may compute from common sums, so that each depends on the rows of all
   */
  changedBy(atOnce: number): number {
    const changed = new Map<Value, number>([[this.image, 0]]);
    for (const [value, node] of this.#nodes) {
      const before = Math.max(...mapsOf(node).map((i) => changed.get(node.inputs[i] as Value) as number));
      const factor = repeats(node);
      const reach = factor === undefined ? (reachOf(node) as Reach) : undefined;
      let rows = factor === undefined ? 0 : factor * before;
      while (reach !== undefined && reach.first(rows) < before) rows++;
      const together = node.op === 'Conv' && reach !== undefined && reach.end(1) - reach.first(0) > 1 ? atOnce - 1 : 0;
      changed.set(value, rows + together);
    }
    return changed.get(this.output) as number;
  }

  /** The rows of the output that a strip gives. */
  rowsOf(before: Progress, after: Progress): Rows {
    return { from: before.next.get(this.output) ?? 0, to: after.next.get(this.output) ?? 0 };
  }

  /** The graph of the strip between. @param after as `advance` gives it */
  strip(before: Progress, after: Progress, { rows, isLast }: StripRows): Strip {
    const b = new GraphBuilder(this.#graph.name);
    const fixed = new Map<Value, Value>();
    for (const [value, array] of this.#graph.constants) fixed.set(value, b.constant(array, value.name));
    const carried = new Map<string, string>();
    /** The rows of a map that there are: carried ones, then new ones. */
    const there = new Map<Value, readonly Piece[]>();
    const arrive = (value: Value, from: number, made: Value): void => {
      const pieces: Piece[] = [{ from, rows: made }];
      const next = before.next.get(value) ?? 0;
      if (!this.#again.has(value) && next < from) {
        const input = `${value.name}/carried`;
        carried.set(input, `${value.name}/next`);
        pieces.unshift({ from: next, rows: b.input(input, value.dtype, withRows(value, from - next)) });
      }
      there.set(value, pieces);
    };
    arrive(
      this.image,
      before.done.get(this.image) ?? 0,
      b.input(this.image.name, this.image.dtype, withRows(this.image, rows)),
    );

    const windows = new Map<string, Value>();
    const window = (value: Value, { from, to }: Rows): Value => {
      const key = `${value.name} ${from} ${to}`;
      const made = windows.get(key) ?? makeWindow(value, { from, to });
      windows.set(key, made);
      return made;
    };
    const makeWindow = (value: Value, { from, to }: Rows): Value => {
      const node = this.#nodes.get(value);
      if (node === undefined || !isView(node)) {
        const pieces = (there.get(value) as readonly Piece[]).flatMap((piece) => {
          const end = piece.from + (piece.rows.shape[2] as number);
          const part = { from: Math.max(from, piece.from), to: Math.min(to, end) };
          return part.from < part.to ? [cut(b, piece, part)] : [];
        });
        return pieces.length === 1 ? (pieces[0] as Value) : b.op('Concat', pieces, { axis: 2 });
      }
      const factor = repeats(node) ?? 1;
      const own = { from: Math.floor(from / factor), to: Math.ceil(to / factor) };
      return cut(b, { from: own.from * factor, rows: apply(node, own, node.attributes)[0] as Value }, { from, to });
    };
    /** The node for these rows of its maps. */
    const apply = (node: Node, part: Rows, attributes: Node['attributes']): readonly Value[] => {
      const maps = mapsOf(node);
      const inputs = node.inputs.map((value, i) => {
        if (value === undefined) return undefined;
        return maps.includes(i) ? window(value, part) : fixed.get(value);
      });
      // What is made where it is needed may be made several times.
      return b.ops(node.op, inputs, attributes, 1, b.fresh(node.name));
    };

    b.reserve([this.output.name]);
    for (const node of this.#graph.nodes) {
      const [value] = node.outputs;
      if (!this.#nodes.has(value)) {
        const made = b.ops(
          node.op,
          node.inputs.map((input) => input && fixed.get(input)),
          node.attributes,
          node.outputs.length,
          node.name,
        );
        node.outputs.forEach((output, i) => {
          fixed.set(output, made[i] as Value);
        });
      } else if (!isView(node)) {
        const from = (this.#again.has(value) ? before.next : before.done).get(value) ?? 0;
        const to = after.done.get(value) as number;
        const reach = reachOf(node) as Reach;
        const height = (node.inputs[mapsOf(node)[0] as number] as Value).shape[2] as number;
        const [first, end] = [reach.first(from), reach.end(to)];
        const part = { from: Math.max(0, first), to: Math.min(height, end) };
        const [made] = apply(node, part, padded(node, part.from - first, end - part.to));
        arrive(value, from, made as Value);
      }
    }
    const next = [...(isLast ? [] : after.next)].flatMap(([value, from]) => {
      const to = after.done.get(value) ?? 0;
      const isCarried = from < to && !this.#again.has(value);
      return isCarried ? [b.output(window(value, { from, to }), `${value.name}/next`)] : [];
    });
    const rowsGiven = this.rowsOf(before, after);
    const given = rowsGiven.to > rowsGiven.from ? [b.output(window(this.output, rowsGiven), this.output.name)] : [];
    const carriedNames = [...carried.keys(), ...next.map(({ name }) => name)];
    return { graph: b.build([...given, ...next]), carried, carriedNames };
  }

  /** Rows of the output that can be there, where its maps have more to come: such that no part of a pixel is needed. */
  #given(node: Node, done: ReadonlyMap<Value, number>): number {
    const maps = mapsOf(node).map((i) => node.inputs[i] as Value);
    const reach = reachOf(node) as Reach;
    const most = reach.given(Math.min(...maps.map((value) => this.#there(value, done))));
    const grain = Math.max(...maps.map((value) => this.#grain(value)));
    const wanted = this.#wanted.get(node.outputs[0]) ?? 1;
    for (let to = most; to > most - grain * wanted; to--) {
      if (reach.end(to) % grain === 0 && to % wanted === 0) return to;
    }
    return most;
  }

  /** The rows of a map that there are, or could be. */
  #there(value: Value, done: ReadonlyMap<Value, number>): number {
    const node = this.#nodes.get(value);
    if (node === undefined || !isView(node)) return done.get(value) as number;
    return (repeats(node) ?? 1) * Math.min(...mapsOf(node).map((i) => this.#there(node.inputs[i] as Value, done)));
  }

  /** How many rows of a map are made at once. */
  #grain(value: Value): number {
    const node = this.#nodes.get(value);
    if (node === undefined || !isView(node)) return 1;
    return (repeats(node) ?? 1) * Math.max(...mapsOf(node).map((i) => this.#grain(node.inputs[i] as Value)));
  }

  /** The first row of each map that is needed after those that are there. */
  #nextOf(
    done: ReadonlyMap<Value, number>,
    isLast: boolean,
    again: (value: Value, next: number) => boolean = (value) => this.#again.has(value),
  ): ReadonlyMap<Value, number> {
    const there = done.get(this.output) as number;
    const whole = Math.floor(there / this.#multiple) * this.#multiple;
    const next = new Map([[this.output, isLast ? there : Math.max(0, whole - this.#held)]]);
    for (const [value, node] of [...this.#nodes].reverse()) {
      const own = next.get(value);
      if (own === undefined) continue;
      const factor = repeats(node) ?? 1;
      const computed = (): number => (again(value, own) ? own : (done.get(value) as number));
      const first = isView(node) ? Math.floor(own / factor) : (reachOf(node) as Reach).first(computed());
      for (const i of mapsOf(node)) {
        const input = node.inputs[i] as Value;
        next.set(input, Math.max(0, Math.min(first, next.get(input) ?? first)));
      }
    }
    return next;
  }

  /** The maps of which the rows that are needed again are so few that they are computed again. */
  #rowsAgain(rows: number): ReadonlySet<Value> {
    const chosen = new Set<Value>();
    const height = this.image.shape[2] as number;
    let progress: Progress | undefined = START;
    for (let i = 0; i < 3 && progress !== undefined; i++) {
      const { done }: Progress = progress;
      if ((done.get(this.image) ?? 0) + rows > height) break;
      progress = this.advance(progress, { rows, isLast: false });
    }
    if (progress === undefined || progress === START) return chosen;
    const { done } = progress;
    this.#nextOf(done, false, (value, next) => {
      const rowsAgain = (done.get(value) as number) - next;
      const added = (rows * (value.shape[2] as number)) / height;
      if (rowsAgain > 0 && rowsAgain <= MOST_AGAIN * added && this.#nodes.get(value)?.op !== 'MaxPool')
        chosen.add(value);
      return chosen.has(value);
    });
    return chosen;
  }
}

/** Some rows of a map, of which `from` is the first. */
interface Piece {
  readonly from: number;
  readonly rows: Value;
}

const withRows = ({ shape: [n, channels, , width] }: Value, rows: number) => [n, channels, rows, width] as number[];

function cut(b: GraphBuilder, { from: start, rows }: Piece, { from, to }: Rows): Value {
  const isWhole = from === start && to - from === rows.shape[2];
  return isWhole ? rows : b.slice(rows, [from - start], [to - start], [2]);
}

/** Maps whose rows are made where they are needed: nothing is carried of them. */
const isView = (node: Node): boolean => repeats(node) !== undefined || (node.op === 'Concat' && isPixelwise(node));

/** The maps that follow the image, with their nodes; undefined if one depends on more than nearby rows. */
function followers({ inputs, outputs, nodes }: Graph): ReadonlyMap<Value, Node> | undefined {
  const [image, output] = [inputs[0], outputs[0]];
  if (image === undefined || output === undefined || inputs.length > 1 || outputs.length > 1) return undefined;
  const made = new Map<Value, Node>();
  const follows = (value: Value | undefined): boolean => value === image || (value !== undefined && made.has(value));
  for (const node of nodes) {
    if (!node.inputs.some(follows)) continue;
    const maps = mapsOf(node);
    const isMap = node.inputs.every((value, i) => follows(value) === maps.includes(i));
    if (!isMap || (repeats(node) === undefined && reachOf(node) === undefined)) return undefined;
    made.set(node.outputs[0], node);
  }
  return made.has(output) ? made : undefined;
}

const SAME: Reach = { given: (rows) => rows, first: (from) => from, end: (to) => to };

/** Undefined for an op that is not known to depend on nothing but rows near its own. */
function reachOf(node: Node): Reach | undefined {
  const { op, inputs, outputs } = node;
  if (outputs.length !== 1 || outputs[0].shape.length !== 4) return undefined;
  switch (op) {
    case 'Conv': {
      const g = convGeometry((node as Node<'Conv'>).attributes, (inputs[1] as Value).shape.slice(2));
      return windows(g.kernel[0] as number, g.strides[0] as number, g.dilations[0] as number, g.padsBegin[0] as number);
    }
    case 'MaxPool': {
      const { kernel_shape: kernel, strides, dilations, pads, ceil_mode: ceil } = (node as Node<'MaxPool'>).attributes;
      return ceil === 1
        ? undefined
        : windows(kernel[0] as number, strides?.[0] ?? 1, dilations?.[0] ?? 1, pads?.[0] ?? 0);
    }
    case 'ConvTranspose': {
      const g = convGeometry((node as Node<'ConvTranspose'>).attributes, (inputs[1] as Value).shape.slice(2));
      const factor = g.strides[0] as number;
      const isAlone = g.kernel[0] === factor && [...g.padsBegin, ...g.padsEnd].every((pad) => pad === 0);
      const given = (rows: number): number => rows * factor;
      return isAlone
        ? { given, first: (from) => Math.floor(from / factor), end: (to) => Math.ceil(to / factor) }
        : undefined;
    }
    default:
      return isPixelwise(node) ? SAME : undefined;
  }
}

function windows(kernel: number, stride: number, dilation: number, pad: number): Reach {
  const behind = (kernel - 1) * dilation + 1 - pad;
  return {
    given: (rows) => Math.max(0, Math.floor((rows - behind) / stride) + 1),
    first: (from) => from * stride - pad,
    end: (to) => (to - 1) * stride + behind,
  };
}

/** By how many rows each map is pooled, at once or pixel by pixel before: none should be left over. */
function pooledTogether({ nodes }: Graph): ReadonlyMap<Value, number> {
  const rows = new Map<Value, number>();
  for (const node of [...nodes].reverse()) {
    const { strides } = node.attributes as { readonly strides?: readonly number[] };
    const isPooling = node.op === 'MaxPool' || node.op === 'Conv';
    const own = isPooling ? (strides?.[0] ?? 1) : isPixelwise(node) ? (rows.get(node.outputs[0]) ?? 1) : 1;
    for (const i of mapsOf(node)) {
      const value = node.inputs[i] as Value;
      rows.set(value, Math.max(own, rows.get(value) ?? 1));
    }
  }
  return rows;
}

/** The attributes of a node whose rows are padded otherwise. */
function padded({ op, attributes }: Node, top: number, bottom: number): Node['attributes'] {
  if (op !== 'Conv' && op !== 'MaxPool') return attributes;
  const { pads = [0, 0, 0, 0], ...others } = attributes as { readonly pads?: readonly number[] };
  const own = [top, pads[1] as number, bottom, pads[3] as number];
  return (own.some((pad) => pad > 0) ? { ...others, pads: own } : others) as Node['attributes'];
}
