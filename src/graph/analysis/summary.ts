/** A graph as a table of layers, for people. */
import type { Graph, Value } from '../ir.ts';
import { costOf } from './cost.ts';
import { type ReceptiveField, receptiveField, traceDependence } from './receptive-field.ts';

export interface LayerRow {
  readonly name: string;
  readonly op: string;
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly macs: number;
  /** Along y, x; empty where the layer's result does not follow the image. */
  readonly fields: readonly ReceptiveField[];
}

/** `1234567` as `1,234,567`. */
function grouped(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `150.43 G`: three to five digits and a prefix. */
export function withPrefix(n: number): string {
  for (const [prefix, unit] of [
    ['T', 1e12],
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (n >= unit) return `${(n / unit).toFixed(2)} ${prefix}`;
  }
  return `${n} `;
}

/** One row a node, in order, with what it costs and what it sees of `input`. */
export function layersOf(
  graph: Graph,
  { input = graph.inputs[0], parameters }: { input?: Value | undefined; parameters?: readonly Value[] } = {},
): readonly LayerRow[] {
  const dependence = input && traceDependence(graph, input);
  return costOf(graph, parameters === undefined ? {} : { parameters }).nodes.map(
    ({ node, macs, parameters: count }) => {
      const out = node.outputs[0] as Value;
      const fields = dependence === undefined ? [] : receptiveField(dependence, out).fields;
      return { name: node.name, op: node.op, shape: out.shape, parameters: count, macs, fields };
    },
  );
}

/**
 * The table: name, op, output shape, parameters, multiply-accumulates, receptive field in input pixels;
 * totals in the last line. Ops that only move data are left out unless `all`.
 */
export function summarise(
  graph: Graph,
  { all = false, ...options }: { all?: boolean; input?: Value; parameters?: readonly Value[] } = {},
): string {
  const rows = layersOf(graph, options);
  const shown = all ? rows : rows.filter(({ op, macs, parameters }) => macs > 0 || parameters > 0 || isLayer(op));
  const lines = [
    ['layer', 'op', 'output', 'parameters', 'MAC', 'sees'],
    ...shown.map(({ name, op, shape, parameters, macs, fields }) => [
      name,
      op,
      shape.join(' x '),
      parameters === 0 ? '' : grouped(parameters),
      macs === 0 ? '' : withPrefix(macs).trim(),
      fields.map(({ size }) => size).join(' x '),
    ]),
    [
      'total',
      `${rows.length} nodes`,
      '',
      grouped(rows.reduce((sum, { parameters }) => sum + parameters, 0)),
      withPrefix(rows.reduce((sum, { macs }) => sum + macs, 0)).trim(),
      '',
    ],
  ];
  const widths = lines.reduce<number[]>(
    (sofar, line) => line.map((cell, i) => Math.max(cell.length, sofar[i] ?? 0)),
    [],
  );
  return lines
    .map((line) =>
      line
        // Numbers are right-aligned.
        .map((cell, i) => (i === 3 || i === 4 ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function isLayer(op: string): boolean {
  return /Pool|Resize|Concat|Normalization|Softmax|Sigmoid|Dropout|LRN/.test(op);
}
