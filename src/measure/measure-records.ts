/** What is counted and measured of blocks as plain data, by which processes tell each other of them. */

import type { Storage } from '../array/ndarray.ts';
import { ExactSums, type ExactSumsRecord } from './exact-sums.ts';
import type { NumberDType } from './intensity.ts';
import { LabelPairs } from './label-pairs.ts';
import type { BlockCounts, BlockValues, FinishedObject, ObjectPart } from './object-measurer.ts';
import type { PerAxis, Regions } from './regions.ts';
import type { WindowCounts } from './windows.ts';

export interface CountsRecord {
  readonly labels: Float64Array;
  readonly regions: Omit<Regions, 'products'> & { readonly products: Readonly<Record<string, ExactSumsRecord>> };
  readonly windows?: Omit<WindowCounts, 'pairs'> & { readonly pairs: Float64Array };
}

export function countsRecord({ labels, regions, windows }: BlockCounts): CountsRecord {
  const products = Object.entries(regions.products).map(([pair, sums]) => [pair, sums.record] as const);
  return {
    labels: Float64Array.from(labels),
    regions: { ...regions, products: Object.fromEntries(products) },
    ...(windows && { windows: { ...windows, pairs: Float64Array.from([...windows.pairs].flat()) } }),
  };
}

export function countsOfRecord({ labels, regions, windows }: CountsRecord): BlockCounts {
  const products = Object.entries(regions.products).map(([pair, sums]) => [pair, ExactSums.from(sums)] as const);
  const counts = {
    labels: [...labels],
    regions: { ...regions, products: Object.fromEntries(products) as Regions['products'] },
  };
  if (windows === undefined) return counts;
  const pairs = new LabelPairs();
  for (let k = 0; k < windows.pairs.length; k += 2) pairs.add(windows.pairs[k], windows.pairs[k + 1]);
  return { ...counts, windows: { ...windows, pairs } };
}

/** Lists of different lengths, one after the other: list k from `starts[k]` to before `starts[k + 1]`. */
interface Joined<A> {
  readonly starts: Float64Array;
  readonly values: A;
}

export interface ValuesRecord {
  /** Of finished objects: labels, hulls if they are measured, and of each object all statistics of all channels. */
  readonly finished: {
    readonly labels: Float64Array;
    readonly hulls?: Float64Array;
    readonly statistics: Float64Array;
  };
  readonly channels: number;
  /** Of parts: labels, pixels and first pixels z, y, x. */
  readonly parts: { readonly labels: Float64Array; readonly pixels: Float64Array; readonly first: Int32Array };
  readonly rows?: {
    readonly planes: Int32Array;
    readonly least: Joined<Int32Array>;
    readonly greatest: Joined<Int32Array>;
  };
  /** Of each channel. */
  readonly values: readonly Joined<Storage[NumberDType]>[];
  readonly dtype?: NumberDType;
}

export function valuesRecord({ finished, parts, dtype }: BlockValues): ValuesRecord {
  const [one] = [...finished.map(({ statistics }) => statistics), ...parts.map(({ values }) => values)];
  const channels = one?.length ?? 0;
  const hulls = finished.flatMap(({ hull }) => hull ?? []);
  const rows = parts.flatMap((part) => part.rows ?? []);
  return {
    finished: {
      labels: Float64Array.from(finished, ({ label }) => label),
      ...(hulls.length > 0 && { hulls: Float64Array.from(hulls) }),
      statistics: Float64Array.from(finished.flatMap(({ statistics }) => statistics.flat())),
    },
    channels,
    parts: {
      labels: Float64Array.from(parts, ({ label }) => label),
      pixels: Float64Array.from(parts, ({ pixels }) => pixels),
      first: Int32Array.from(parts.flatMap(({ first: { z, y, x } }) => [z, y, x])),
    },
    ...(rows.length > 0 && {
      rows: {
        planes: Int32Array.from(rows, ({ planes }) => planes),
        least: joined(rows.map(({ least }) => least)),
        greatest: joined(rows.map(({ greatest }) => greatest)),
      },
    }),
    values:
      parts.length === 0
        ? []
        : Array.from({ length: channels }, (_, c) => joined(parts.map(({ values }) => values[c]))),
    dtype,
  };
}

export function valuesOfRecord({ finished, channels, parts, rows, values, dtype }: ValuesRecord): BlockValues {
  const { labels, hulls, statistics } = finished;
  const each = labels.length === 0 || channels === 0 ? 0 : statistics.length / labels.length / channels;
  return {
    finished: [...labels].map((label, i): FinishedObject => {
      const [pixels, feretMax, feretMin] = hulls?.subarray(3 * i, 3 * i + 3) ?? [];
      const of = (c: number): readonly number[] => {
        const start = (i * channels + c) * each;
        return [...statistics.subarray(start, start + each)];
      };
      return {
        label,
        ...(hulls && { hull: [pixels, feretMax, feretMin] }),
        statistics: Array.from({ length: channels }, (_, c) => of(c)),
      };
    }),
    parts: [...parts.labels].map((label, i): ObjectPart => {
      const [z, y, x] = parts.first.subarray(3 * i, 3 * i + 3);
      return {
        label,
        pixels: parts.pixels[i],
        first: { z, y, x } as PerAxis<number>,
        ...(rows && {
          rows: { planes: rows.planes[i], least: listOf(rows.least, i), greatest: listOf(rows.greatest, i) },
        }),
        values: values.map((of) => listOf(of, i)),
      };
    }),
    dtype,
  };
}

function joined<A extends Storage[NumberDType]>(lists: readonly A[]): Joined<A> {
  const starts = new Float64Array(lists.length + 1);
  for (const [k, list] of lists.entries()) starts[k + 1] = starts[k] + list.length;
  const values = new (lists[0].constructor as new (length: number) => A)(starts[lists.length]);
  for (const [k, list] of lists.entries()) values.set(list, starts[k]);
  return { starts, values };
}

const listOf = <A extends Storage[NumberDType]>({ starts, values }: Joined<A>, k: number): A =>
  values.subarray(starts[k], starts[k + 1]) as A;
