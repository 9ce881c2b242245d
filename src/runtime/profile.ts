/**
 * How the time of a graph is distributed, from ONNX Runtime's trace: by op, and by layer, which is the scope in a
 * node's name.
 */

import { counted } from '../errors.ts';

/** The time of one op or layer, per run of the graph. */
export interface ProfileRow {
  readonly name: string;
  readonly ms: number;
  /** Number of its kernel calls per run. */
  readonly calls: number;
}

export interface LayerRow extends ProfileRow {
  /** The part of `ms` spent in nodes of the scope `backward`. */
  readonly backwardMs: number;
}

export interface Profile {
  /** Number of runs averaged. */
  readonly runs: number;
  /** Time of a whole run. */
  readonly runMs: number;
  /** Time of the kernels alone. */
  readonly kernelsMs: number;
  /** Slowest first. */
  readonly ops: readonly ProfileRow[];
  /** In the order in which they first run. */
  readonly layers: readonly LayerRow[];
}

/** The fields of a trace event that are read; times in microseconds. */
interface TraceEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

const KERNEL = '_kernel_time';
const BACKWARD = 'backward';
/** The layer of nodes that belong to none. */
export const INSERTED = '(added by ONNX Runtime)';

/**
 * The layer of a node: its name up to the first segment that is an op with its number.
 * @example layerOf('encoder1/conv1/Conv_0/ReorderInput_1') // 'encoder1/conv1'
 */
export function layerOf(node: string): string {
  const segments = node.split('/');
  const first = segments.findIndex((segment) => /_\d+(_nchwc)?$/.test(segment));
  return segments.slice(0, first < 0 ? segments.length - 1 : first).join('/');
}

/**
 * Sums a trace.
 * @param trace the JSON file that ONNX Runtime wrote
 * @param leaveOut number of first runs to skip, since they allocate memory; with fewer runs, all but the last are
 * skipped.
 * @param layer the layer of a node by the node's name, '' for none; default: its scope, `layerOf`
 * @throws SyntaxError if the trace is not JSON.
 */
export function sumProfile(
  trace: string,
  {
    leaveOut = 3,
    layer: layerOfNode = layerOf,
  }: { readonly leaveOut?: number; readonly layer?: (node: string) => string } = {},
): Profile {
  const events = JSON.parse(trace) as readonly TraceEvent[];
  const spans = events.filter(({ cat, name }) => cat === 'Session' && name === 'model_run').sort(byTime);
  const kept = spans.slice(Math.min(leaveOut, spans.length - 1));
  const runs = kept.length;
  const ops = new Map<string, { ms: number; calls: number }>();
  const layers = new Map<string, { ms: number; calls: number; backwardMs: number }>();
  const rowOf = <T>(rows: Map<string, T>, name: string, none: T): T => {
    const row = rows.get(name) ?? none;
    rows.set(name, row);
    return row;
  };
  let span = 0;
  for (const event of events.filter(isKernel).sort(byTime)) {
    const at = event.ts ?? 0;
    while (span < runs && at > endOf(kept[span])) span++;
    if (span === runs) break;
    if (at < (kept[span].ts ?? 0)) continue;
    const ms = (event.dur ?? 0) / 1000 / runs;
    const node = (event.name as string).slice(0, -KERNEL.length);
    const path = layerOfNode(node);
    const backwards = path === BACKWARD || path.startsWith(`${BACKWARD}/`);
    // Sums of gradients where paths join belong to no layer: they stay under "backward".
    const layer = backwards && path !== BACKWARD ? path.slice(BACKWARD.length + 1) : path;
    const op = rowOf(ops, event.args?.op_name ?? '?', { ms: 0, calls: 0 });
    const row = rowOf(layers, layer === '' ? INSERTED : layer, { ms: 0, calls: 0, backwardMs: 0 });
    for (const each of [op, row]) {
      each.ms += ms;
      each.calls += 1 / runs;
    }
    if (backwards) row.backwardMs += ms;
  }
  const rows = <T extends { ms: number }>(map: ReadonlyMap<string, T>) =>
    [...map].map(([name, row]) => ({ name, ...row }));
  const sorted = rows(ops).sort((a, b) => b.ms - a.ms);
  return {
    runs,
    runMs: kept.reduce((sum, { dur = 0 }) => sum + dur, 0) / 1000 / Math.max(1, runs),
    kernelsMs: sorted.reduce((sum, { ms }) => sum + ms, 0),
    ops: sorted,
    layers: rows(layers),
  };
}

const isKernel = ({ cat, name }: TraceEvent): boolean => cat === 'Node' && name?.endsWith(KERNEL) === true;
const byTime = (a: TraceEvent, b: TraceEvent): number => (a.ts ?? 0) - (b.ts ?? 0);
const endOf = ({ ts = 0, dur = 0 }: TraceEvent): number => ts + dur;

/** Both tables as text, with a heading. */
export function formatProfile({ runs, runMs, kernelsMs, ops, layers }: Profile): string {
  const percent = (ms: number): string => `${((100 * ms) / Math.max(kernelsMs, 1e-9)).toFixed(1)} %`;
  const number = (value: number): string => value.toFixed(2);
  const calls = (value: number): string => String(Math.round(value * 10) / 10);
  return [
    `profile of ${counted(runs, 'run')}: a run takes ${number(runMs)} ms, its kernels ${number(kernelsMs)} ms`,
    '',
    ...table(
      ['op', 'ms', 'share', 'calls'],
      ops.map((row) => [row.name, number(row.ms), percent(row.ms), calls(row.calls)]),
    ),
    '',
    ...table(
      ['layer', 'ms', 'share', 'calls', 'forward', 'backward'],
      layers.map((row) => [
        row.name,
        number(row.ms),
        percent(row.ms),
        calls(row.calls),
        number(row.ms - row.backwardMs),
        number(row.backwardMs),
      ]),
    ),
    '',
  ].join('\n');
}

/** Aligned columns, the first to the left, the others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}
