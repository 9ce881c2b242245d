/** A picture of a network, drawn from its graph: SVG. */

import { type Layer, layersOf } from './analysis/summary.ts';
import type { ConvAttributes } from './attributes.ts';
import type { Graph, Node, Value } from './ir.ts';

type Kind = 'input' | 'conv' | 'dense' | 'pool' | 'up' | 'join' | 'other';

const KINDS: { readonly [K in Kind]: { readonly colour: string; readonly word: string } } = {
  input: { colour: '#d9d9d9', word: 'image' },
  conv: { colour: '#56b4e9', word: 'convolution' },
  dense: { colour: '#e69f00', word: 'dense' },
  pool: { colour: '#d55e00', word: 'pooling' },
  up: { colour: '#009e73', word: 'upsampling' },
  join: { colour: '#f0e442', word: 'joining' },
  other: { colour: '#cc79a7', word: 'normalisation, softmax' },
};

function kindOf({ op }: Layer): Kind {
  switch (op) {
    case 'Conv':
      return 'conv';
    case 'Gemm':
    case 'MatMul':
      return 'dense';
    case 'MaxPool':
    case 'AveragePool':
    case 'GlobalAveragePool':
      return 'pool';
    case 'ConvTranspose':
    case 'Resize':
      return 'up';
    case 'Concat':
    case 'Add':
      return 'join';
    default:
      return 'other';
  }
}

/** `conv 3x3`, `pool 2x2 /2`: what is done, in as few words as fit under a box. */
function wordsOf({ op, nodes }: Layer): string {
  const { kernel_shape: kernel, strides, dilations } = (nodes[0] as Node<'Conv'>).attributes as ConvAttributes;
  const size = kernel === undefined ? '' : ` ${kernel.join('x')}`;
  const step = strides === undefined || strides.every((s) => s === 1) ? '' : ` /${Math.max(...strides)}`;
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
  /** Steps from the input, along the longest way. */
  readonly column: number;
  /** How often the side was halved. */
  readonly level: number;
}

const COLUMN_PX = 58;
const LEVEL_PX = 78;
const MARGIN_PX = 46;
const TALLEST_PX = 56;

/** Height and width of a tensor [N, C, H, W]; vectors have none. */
function sideOf(shape: readonly number[]): number | undefined {
  return shape.length === 4 ? Math.max(shape[2] as number, shape[3] as number) : undefined;
}

/** Boxes of the network's input and of each layer; reads count boxes. */
function boxesOf(layers: readonly Layer[], input: Value): readonly Box[] {
  const whole = sideOf(input.shape) ?? 1;
  const levelOf = (shape: readonly number[], before: number): number => {
    const side = sideOf(shape);
    // A map of one pixel is as much a vector.
    return side === undefined || side === 1 ? before : Math.max(0, Math.round(Math.log2(whole / side) - 0.3));
  };
  const boxes: Box[] = [
    { kind: 'input', title: input.name, words: 'image', shape: input.shape, reads: [], column: 0, level: 0 },
  ];
  for (const layer of layers) {
    const reads = layer.reads.map((i) => i + 1);
    const sources = reads.map((i) => boxes[i] as Box);
    boxes.push({
      kind: kindOf(layer),
      title: `${layer.name}: ${layer.op}, ${layer.parameters.toLocaleString('en')} parameters, ${layer.macs.toLocaleString('en')} multiplications`,
      words: wordsOf(layer),
      shape: layer.shape,
      reads,
      column: 1 + Math.max(-1, ...sources.map(({ column }) => column)),
      level: levelOf(layer.shape, Math.max(0, ...sources.map(({ level }) => level))),
    });
  }
  return boxes;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/**
 * The network as boxes from left to right, one a layer (`layersOf`): as tall as its maps are large, as wide as it has
 * channels, both in logarithms; one row down for each halving, so that a U-Net is a U. Numbers above a box are its
 * channels (or units), below it the side of its maps and what it does; a pointer on a box shows its name, parameters
 * and multiplications.
 * @param parameters as in `costOf`
 */
export function networkSvg(
  graph: Graph,
  { parameters, title = graph.name }: { readonly parameters?: readonly Value[]; readonly title?: string } = {},
): string {
  const input = graph.inputs[0] as Value;
  const boxes = boxesOf(layersOf(graph, parameters && { parameters }), input);
  const columns = Math.max(...boxes.map(({ column }) => column)) + 1;
  const levels = Math.max(...boxes.map(({ level }) => level)) + 1;
  const width = 2 * MARGIN_PX + columns * COLUMN_PX;
  const height = 2 * MARGIN_PX + levels * LEVEL_PX + 34;
  const whole = sideOf(input.shape) ?? 1;
  const place = ({ column, level, shape }: Box) => {
    const side = sideOf(shape);
    const tall = side === undefined ? 26 : 8 + (TALLEST_PX - 8) * (Math.log2(side + 1) / Math.log2(whole + 1));
    const wide = Math.min(40, 5 + 3.4 * Math.log2(shape[1] ?? 1));
    return { x: MARGIN_PX + (column + 0.5) * COLUMN_PX, y: MARGIN_PX + 20 + (level + 0.5) * LEVEL_PX, tall, wide };
  };
  const lines = boxes.flatMap((box, i) =>
    box.reads.map((source) => {
      const [from, to] = [place(boxes[source] as Box), place(box)];
      const [x1, x2] = [from.x + from.wide / 2, to.x - to.wide / 2];
      // What goes past other boxes goes below or above them.
      const past = box.column - (boxes[source] as Box).column > 1;
      const lift = past && from.y === to.y ? -0.62 * LEVEL_PX : 0;
      const middle = (x1 + x2) / 2;
      const path = past
        ? `M${f(x1)} ${f(from.y)}C${f(x1 + 30)} ${f(from.y + lift)} ${f(x2 - 30)} ${f(to.y + lift)} ${f(x2)} ${f(to.y)}`
        : `M${f(x1)} ${f(from.y)}C${f(middle)} ${f(from.y)} ${f(middle)} ${f(to.y)} ${f(x2)} ${f(to.y)}`;
      return `<path d="${path}"${past ? ' stroke-dasharray="4 3"' : ''} data-from="${source}" data-to="${i}"/>`;
    }),
  );
  const shapes = boxes.map((box) => {
    const { x, y, tall, wide } = place(box);
    const side = sideOf(box.shape);
    const size = side === undefined || side === 1 ? '' : box.shape.slice(2).join(' x ');
    const label = (text: string, dy: number, bold = false): string =>
      text === ''
        ? ''
        : `<text x="${f(x)}" y="${f(y + dy)}"${bold ? ' font-weight="600"' : ''}>${escaped(text)}</text>`;
    return (
      `<g><title>${escaped(box.title)}</title>` +
      `<rect x="${f(x - wide / 2)}" y="${f(y - tall / 2)}" width="${f(wide)}" height="${f(tall)}" rx="2" fill="${KINDS[box.kind].colour}"/>` +
      `${label(String(box.shape[1] ?? 1), -tall / 2 - 4, true)}${label(box.words, tall / 2 + 11)}${label(size, tall / 2 + 21)}</g>`
    );
  });
  const kinds = [...new Set(boxes.map(({ kind }) => kind))];
  const legend = kinds.map(
    (kind, i) =>
      `<g transform="translate(${f(MARGIN_PX + i * 130)} ${f(height - 18)})"><rect width="10" height="10" rx="2" fill="${KINDS[kind].colour}"/><text x="15" y="9" text-anchor="start">${KINDS[kind].word}</text></g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${f(Math.max(width, MARGIN_PX + kinds.length * 130))} ${f(height)}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="9" text-anchor="middle" fill="#222">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="${MARGIN_PX}" y="24" font-size="13" font-weight="600" text-anchor="start">${escaped(title)}</text>`,
    `<g fill="none" stroke="#777">${lines.join('')}</g>`,
    `<g stroke="none">${shapes.join('\n')}</g>`,
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

/** A coordinate to a tenth of a pixel. */
function f(value: number): string {
  return String(Math.round(10 * value) / 10);
}
