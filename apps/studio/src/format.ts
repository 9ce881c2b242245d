/** Numbers, sizes and times in words. */

import { text } from './text/text.ts';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

/** Such as `41 GB`. */
export function fileSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const format = { style: 'unit', unit: UNITS[power], unitDisplay: 'short', maximumSignificantDigits: 3 } as const;
  return new Intl.NumberFormat(text.language, format).format(bytes / 1000 ** power);
}

const STEPS = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [7, 'day'],
  [4.35, 'week'],
  [12, 'month'],
  [Number.POSITIVE_INFINITY, 'year'],
] as const;

/** Such as `3 min ago`, `yesterday`. */
export function ago(thenMs: number, nowMs: number): string {
  let value = (thenMs - nowMs) / 1000;
  const format = new Intl.RelativeTimeFormat(text.language, { numeric: 'auto', style: 'short' });
  for (const [length, unit] of STEPS) {
    if (Math.abs(value) < length) return format.format(Math.round(value), unit);
    value /= length;
  }
  return '';
}

const fourDigits = new Intl.NumberFormat(text.language, { maximumSignificantDigits: 4 });

/** A value of a pixel: whole, or with four digits. */
export const pixelValue = (value: number): string =>
  Number.isInteger(value) ? text.number(value) : fourDigits.format(value);

/** Values on an axis, with as many digits as tell them apart: three, or more where they differ by little. */
export function axisValues(values: readonly number[]): readonly string[] {
  const all = (digits: number): readonly string[] =>
    values.map(new Intl.NumberFormat(text.language, { maximumSignificantDigits: digits }).format);
  let digits = 3;
  while (digits < 15 && new Set(all(digits)).size < values.length) digits++;
  return all(digits);
}

/** Such as `1:05` or `2:10:00`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}

/** A score or loss with three decimals. */
export const score = new Intl.NumberFormat(text.language, { minimumFractionDigits: 3, maximumFractionDigits: 3 })
  .format;
