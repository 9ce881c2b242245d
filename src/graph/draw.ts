/** A diagram of a network, drawn from its graph: SVG. */

import { graphLayers, type Layer } from './analysis/summary.ts';
import type { Graph, Node, Value } from './ir.ts';
import type { OpKind } from './op-row.ts';
import { opKind } from './ops/table.ts';

type Kind = 'input' | 'conv' | 'dense' | 'pool' | 'up' | 'join' | 'other';

const KINDS: { readonly [K in Kind]: { readonly colour: string; readonly word?: string } } = {
  input: { colour: '#d9d9d9', word: 'image' },
  conv: { colour: '#56b4e9', word: 'convolution' },
  dense: { colour: '#e69f00', word: 'dense' },
  pool: { colour: '#d55e00', word: 'pooling' },
  up: { colour: '#009e73', word: 'upsampling' },
  join: { colour: '#f0e442', word: 'joining' },
  // Labelled by its operation instead of a legend entry.
  other: { colour: '#cc79a7' },
};

const DRAWN: { readonly [K in OpKind]?: Kind } = {
  convolution: 'conv',
  dense: 'dense',
  pooling: 'pool',
  upconvolution: 'up',
  upsampling: 'up',
  join: 'join',
};

function drawnAs({ op }: Layer): Kind {
  return op === 'Add' ? 'join' : (DRAWN[opKind(op)] ?? 'other');
}

/** `conv 11x11 /4`, `max 2x2`: the operation, in few enough words to fit under a box. */
function wordsOf({ op, nodes }: Layer): string {
  const { kernel_shape: kernel, strides = [1], dilations } = (nodes[0] as Node<'Conv'>).attributes;
  const size = kernel === undefined ? '' : ` ${kernel.join('x')}`;
  // Adjacent windows are the usual case for pooling.
  const usual = op === 'Conv' ? 1 : kernel?.[0];
  const step = kernel === undefined || strides.every((s) => s === usual) ? '' : ` /${Math.max(...strides)}`;
  const spread = dilations === undefined || dilations.every((d) => d === 1) ? '' : ` *${Math.max(...dilations)}`;
  const words: { readonly [op: string]: string } = {
    Conv: 'conv',
    ConvTranspose: 'up',
    Gemm: 'dense',
    MatMul: 'dense',
    MaxPool: 'max',
    AveragePool: 'mean',
    GlobalAveragePool: 'mean of all',
    Resize: 'up',
    Concat: 'join',
    BatchNormalization: 'norm',
    InstanceNormalization: 'norm',
  };
  return `${words[op] ?? op.toLowerCase()}${size}${step}${spread}`;
}

interface Box {
  readonly kind: Kind;
  readonly title: string;
  readonly words: string;
  readonly shape: readonly number[];
  readonly reads: readonly number[];
  /** Steps to the right, from the input along the longest path. */
  readonly column: number;
  /** Rows down. */
  readonly row: number;
}

const MARGIN_PX = 24;
const HEADING_PX = 56;
const LEGEND_PX = 40;
const TALLEST_PX = 64;
/** Height of the text above and below a box. */
const ABOVE_PX = 14;
const BELOW_PX = 26;
/** Space between rows, for the arrows. */
const GAP_PX = 24;
/** Few columns have room for their text; many share it with their neighbours. */
const columnPx = (columns: number): number => (columns > 18 ? 41 : 57);

/** The longer side of a map [N, C, H, W] of more than one pixel; undefined for vectors. */
function sideOf(shape: readonly number[]): number | undefined {
  const side = shape.length === 4 ? Math.max(shape[2], shape[3]) : 1;
  return side === 1 ? undefined : side;
}

/** `568²`, `480 x 640`. */
function sizeWords(shape: readonly number[]): string {
  if (sideOf(shape) === undefined) return '';
  const [, , height, width] = shape;
  return height === width ? `${height}²` : `${height} x ${width}`;
}

/** Boxes for the network's input and each layer; `reads` are indices of boxes. */
function boxesOf(layers: readonly Layer[], input: Value): readonly Box[] {
  const whole = sideOf(input.shape) ?? 1;
  // A single row, unless the network upsamples again.
  const inRows = layers.some((layer) => drawnAs(layer) === 'up');
  const rowOf = (shape: readonly number[], before: number): number => {
    const side = sideOf(shape);
    if (!inRows) return 0;
    return side === undefined ? before : Math.max(0, Math.round(Math.log2(whole / side) - 0.3));
  };
  const boxes: Box[] = [
    { kind: 'input', title: input.name, words: 'image', shape: input.shape, reads: [], column: 0, row: 0 },
  ];
  for (const layer of layers) {
    const reads = layer.reads.map((i) => i + 1);
    const sources = reads.map((i) => boxes[i]);
    const row = rowOf(layer.shape, Math.max(0, ...sources.map((source) => source.row)));
    const last = sources.reduce<Box | undefined>(
      (most, source) => (most === undefined || source.column > most.column ? source : most),
      undefined,
    );
    // A layer that changes the row is directly below or above its input.
    let column = last === undefined ? 0 : last.column + (last.row === row ? 1 : 0);
    while (boxes.some((box) => box.row === row && box.column === column)) column++;
    boxes.push({
      kind: drawnAs(layer),
      title: `${layer.name}: ${layer.op}, ${count(layer.parameters)} parameters, ${count(layer.macs)} MACs`,
      words: wordsOf(layer),
      shape: layer.shape,
      reads,
      column,
      row,
    });
  }
  return boxes;
}

const count = (value: number): string => value.toLocaleString('en');

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

interface Placed extends Box {
  /** Centre of the box. */
  readonly x: number;
  readonly y: number;
  readonly tall: number;
  readonly wide: number;
}

/** Heights are the square root of the side, so that a quarter of the side is distinguishable from a half. */
function placed(boxes: readonly Box[], input: Value): { readonly boxes: readonly Placed[]; readonly bottom: number } {
  const whole = Math.max(...boxes.map(({ shape }) => sideOf(shape) ?? 1), sideOf(input.shape) ?? 1);
  const column = columnPx(Math.max(...boxes.map((box) => box.column)) + 1);
  const tallOf = ({ shape }: Box): number => {
    const side = sideOf(shape);
    return side === undefined ? 26 : Math.max(9, TALLEST_PX * Math.sqrt(side / whole));
  };
  const rows = Math.max(...boxes.map(({ row }) => row)) + 1;
  const middles: number[] = [];
  let bottom = HEADING_PX;
  for (let row = 0; row < rows; row++) {
    const tallest = Math.max(9, ...boxes.filter((box) => box.row === row).map(tallOf));
    middles.push(bottom + ABOVE_PX + tallest / 2);
    bottom += ABOVE_PX + tallest + BELOW_PX + (row < rows - 1 ? GAP_PX : 0);
  }
  return {
    bottom,
    boxes: boxes.map((box) => ({
      ...box,
      x: MARGIN_PX + (box.column + 0.5) * column,
      y: middles[box.row],
      tall: tallOf(box),
      wide: Math.min(0.72 * column, 5 + 3 * Math.log2(box.shape[1] ?? 1)),
    })),
  };
}

/** The path of an arrow. */
function arrow(from: Placed, to: Placed, boxes: readonly Placed[]): string {
  const [x1, x2] = [from.x + from.wide / 2, to.x - to.wide / 2 - 3];
  if (from.column === to.column) {
    // Between the text of one box and the number of the other.
    const down = to.y > from.y;
    const y1 = down ? from.y + from.tall / 2 + BELOW_PX : from.y - from.tall / 2 - ABOVE_PX;
    const y2 = down ? to.y - to.tall / 2 - ABOVE_PX - 3 : to.y + to.tall / 2 + BELOW_PX + 3;
    return `M${f(from.x)} ${f(y1)}V${f(y2)}`;
  }
  if (from.row !== to.row) {
    const middle = (x1 + x2) / 2;
    return `M${f(x1)} ${f(from.y)}C${f(middle)} ${f(from.y)} ${f(middle)} ${f(to.y)} ${f(x2)} ${f(to.y)}`;
  }
  const inBetween = boxes.some(({ row, column }) => row === to.row && column > from.column && column < to.column);
  if (!inBetween) return `M${f(x1)} ${f(from.y)}H${f(x2)}`;
  // Above the row.
  const lane = Math.min(...boxes.filter(({ row }) => row === to.row).map(({ y, tall }) => y - tall / 2)) - ABOVE_PX - 6;
  const topOf = ({ y, tall }: Placed): string => f(y - tall / 2 - ABOVE_PX);
  return `M${f(from.x)} ${topOf(from)}V${f(lane)}H${f(to.x)}V${topOf(to)}`;
}

/** The text below boxes; neighbours with the same text share it. */
function wordsBelow(boxes: readonly Placed[]): readonly string[] {
  const runs: Placed[][] = [];
  for (const box of boxes) {
    const before = runs.at(-1)?.at(-1);
    const shares = before?.words === box.words && before.row === box.row && before.column + 1 === box.column;
    if (shares) runs.at(-1)?.push(box);
    else runs.push([box]);
  }
  return runs.map((run) => {
    const x = run.reduce((sum, box) => sum + box.x, 0) / run.length;
    const [{ y, words }] = run as [Placed];
    const low = Math.max(...run.map(({ tall, shape }) => tall / 2 + (sideOf(shape) === undefined ? 0 : 10)));
    return `<text x="${f(x)}" y="${f(y + low + 11)}">${escaped(words)}</text>`;
  });
}

/**
 * The network as boxes from left to right, one per layer (`graphLayers`): the height is the square root of its maps' side,
 * the width the logarithm of its channels. A network that upsamples again moves down one row per downsampling step, so
 * that a U-Net is a U. Above a box is its number of channels (or units), below it the side of its maps and its
 * operation; hovering shows its name, parameters and MACs.
 * @param parameters as in `graphCost`
 */
export function networkSvg(
  graph: Graph,
  { parameters, title = graph.name }: { readonly parameters?: readonly Value[]; readonly title?: string } = {},
): string {
  const input = graph.inputs[0];
  const layers = graphLayers(graph, parameters && { parameters });
  const { boxes, bottom } = placed(boxesOf(layers, input), input);
  const lines = boxes.flatMap((box, i) =>
    box.reads.map((source) => {
      const from = boxes[source];
      const past = box.column - from.column > 1 ? ' stroke-dasharray="4 3"' : '';
      return `<path d="${arrow(from, box, boxes)}"${past} data-from="${source}" data-to="${i}"/>`;
    }),
  );
  const shapes = boxes.map(({ x, y, tall, wide, kind, shape, title: own }) => {
    const size = sizeWords(shape);
    return (
      `<g><title>${escaped(own)}</title>` +
      `<rect x="${f(x - wide / 2)}" y="${f(y - tall / 2)}" width="${f(wide)}" height="${f(tall)}" rx="2" fill="${KINDS[kind].colour}"/>` +
      `<text x="${f(x)}" y="${f(y - tall / 2 - 4)}" font-weight="600">${shape[1] ?? 1}</text>` +
      `${size === '' ? '' : `<text x="${f(x)}" y="${f(y + tall / 2 + 11)}">${size}</text>`}</g>`
    );
  });
  let right = MARGIN_PX;
  const legend = [...new Set(boxes.map(({ kind }) => kind))].map((kind) => {
    const held = boxes.filter((box) => box.kind === kind).map(({ words }) => words);
    const word = KINDS[kind].word ?? [...new Set(held)].join(', ');
    const at = right;
    right += 30 + 5.2 * word.length;
    return `<g transform="translate(${f(at)} ${f(bottom + 18)})"><rect width="10" height="10" rx="2" fill="${KINDS[kind].colour}"/><text x="15" y="9" text-anchor="start">${word}</text></g>`;
  });
  const sum = (of: 'parameters' | 'macs') => count(layers.reduce((total, layer) => total + layer[of], 0));
  const cost = `${sum('parameters')} parameters, ${sum('macs')} MACs`;
  const width = Math.max(right, MARGIN_PX + Math.max(...boxes.map(({ x, wide }) => x + wide / 2)) + 12, 320);
  const height = bottom + LEGEND_PX;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${f(width)} ${f(height)}" width="${f(width)}" height="${f(height)}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="9" text-anchor="middle" fill="#222">`,
    '<defs><marker id="head" viewBox="0 0 6 6" refX="3" refY="3" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0L6 3L0 6z" fill="#888"/></marker></defs>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="${MARGIN_PX}" y="20" font-size="13" font-weight="600" text-anchor="start">${escaped(title)}</text>`,
    `<text x="${MARGIN_PX}" y="34" text-anchor="start" fill="#555">${cost}</text>`,
    `<g fill="none" stroke="#888" marker-end="url(#head)">${lines.join('\n')}</g>`,
    shapes.join('\n'),
    wordsBelow(boxes).join('\n'),
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

/** A coordinate rounded to a tenth of a pixel. */
function f(value: number): string {
  return String(Math.round(10 * value) / 10);
}
