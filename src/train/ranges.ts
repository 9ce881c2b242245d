/** Valid ranges of numeric settings, whatever their source. */

/** Bounds of a number. */
export interface Range {
  readonly whole?: boolean;
  readonly above?: number;
  readonly least?: number;
  readonly most?: number;
}

/** Whether a value is a number within bounds; never for NaN and infinities. */
export const isWithin = (value: unknown, { whole = false, above, least, most }: Range): value is number =>
  (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
  (above === undefined || (value as number) > above) &&
  (least === undefined || (value as number) >= least) &&
  (most === undefined || (value as number) <= most);

/** By the name of the setting. */
export const RANGES = {
  seed: { whole: true, least: 0, most: 0xffffffff },
  batch: { whole: true, least: 1, most: 4096 },
  learningRate: { above: 0 },
  balance: { least: 0, most: 1 },
  separation: { least: 0 },
  baseChannels: { whole: true, least: 1, most: 1024 },
  depth: { whole: true, least: 1, most: 8 },
  dropout: { least: 0, most: 0.95 },
} satisfies { readonly [setting: string]: Range };
