/** Parsers of option values. Each throws a sentence stating what is expected; the program exits with 2. */

import { InvalidArgumentError } from 'commander';
import type { LabelClass } from '../dataset/labels/labels.ts';
import { millimetres } from '../image/geometry.ts';
import { normaliseUnit, spacingOf } from '../image/units.ts';
import type { NormalisationOptions } from '../input/normalise.ts';
import { isWithin, type Range } from '../train/ranges.ts';
import { nearestWord } from './nearest.ts';

/** One of several words; the nearest is suggested for a misspelt one. */
export function oneOf<T extends string>(...known: readonly T[]): (text: string) => T {
  return (text) => {
    if ((known as readonly string[]).includes(text)) return text as T;
    const meant = nearestWord(text, known);
    throw new InvalidArgumentError(
      `Use one of ${known.join(', ')}.${meant === undefined ? '' : ` (Did you mean ${meant}?)`}`,
    );
  };
}

/** One of several numbers. */
export function oneNumberOf<T extends number>(...known: readonly T[]): (text: string) => T {
  const one = oneOf(...known.map(String));
  return (text) => Number(one(text)) as T;
}

/** A number within bounds. */
export function number(range: Range): (text: string) => number {
  const expected = `${range.whole === true ? 'An integer' : 'A number'}${bounds(range)} is expected.`;
  return (text) => {
    const isTyped = range.whole === true ? /^[+-]?\d+$/.test(text.trim()) : text.trim() !== '';
    const value = Number(text);
    if (isTyped && isWithin(value, range)) return value;
    throw new InvalidArgumentError(expected);
  };
}

function bounds({ whole = false, above, least, most }: Range): string {
  if (whole && most !== undefined) return ` from ${least} to ${most}`;
  const from = above !== undefined ? ` greater than ${above}` : least !== undefined ? ` of at least ${least}` : '';
  return most === undefined ? from : `${from}${from === '' ? '' : ' and'} at most ${most}`;
}

/** An integer within bounds. */
export const integer = (least: number, most?: number) => number({ whole: true, least, most });

const UNITS = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 } as const;

/** `600MB`, `1.5 GB`, `2G`: bytes. */
export function bytes(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*([kmgt])(i?)b?$/i.exec(text.trim());
  const unit = found?.[2]?.toLowerCase() as keyof typeof UNITS | undefined;
  if (found === null || unit === undefined) throw new InvalidArgumentError('A size is expected: 600MB, 1.5GB.');
  const power = Math.log10(UNITS[unit]) / 3;
  return Number(found[1]) * (found[3] === '' ? UNITS[unit] : 1024 ** power);
}

/** `0.5um`, `500 nm`, `0.0005mm`: millimetres. */
export function length(text: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?)\s*([a-zµ]+)$/i.exec(text.trim()) ?? [];
  const mm = millimetres(spacingOf(Number(value), normaliseUnit(unit ?? '')));
  if (mm === undefined) throw new InvalidArgumentError('A length is expected: 0.5um, 500nm, 0.01mm.');
  return mm;
}

/** `256` or `256x192`: [height, width] from width x height. */
export function size(text: string): readonly [number, number] {
  const found = /^(\d+)(?:x(\d+))?$/.exec(text.trim());
  const width = Number(found?.[1]);
  const height = Number(found?.[2] ?? found?.[1]);
  if (found === null || width < 1 || height < 1) {
    throw new InvalidArgumentError('A side in pixels is expected, or width x height: 256 or 256x192.');
  }
  return [height, width];
}

/** `0.7` or `3,0.7,0.7`, for z, y, x; one value applies to all axes, two to y and x. */
export function spacing(text: string): readonly [number | undefined, number, number] {
  const values = text.split(/[,x]/).map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (values.length > 3 || !values.every((value) => Number.isFinite(value) && value > 0)) {
    throw new InvalidArgumentError(
      'Sizes above 0 are expected, for z, y and x: 3,0.7,0.7; for y and x: 0.7,0.7; or one value for all.',
    );
  }
  const [a, b, c] = values as [number, number?, number?];
  return b === undefined ? [a, a, a] : c === undefined ? [undefined, a, b] : [a, b, c];
}

/** `spacing` as stored by a run: null without z. */
export function spacingOrNull(text: string): readonly [number | null, number, number] {
  const [z, y, x] = spacing(text);
  return [z ?? null, y, x];
}

/** An output file whose name must have this extension. */
const fileNamed =
  (extension: string) =>
  (text: string): string => {
    if (text.toLowerCase().endsWith(extension)) return text;
    throw new InvalidArgumentError(`A name that ends in ${extension} is expected.`);
  };
export const pngFile = fileNamed('.png');
export const svgFile = fileNamed('.svg');

/** `500` steps, or `2m`, `30s`. */
export function interval(text: string): { readonly steps: number } | { readonly ms: number } {
  const found = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text.trim());
  const value = Number(found?.[1]);
  if (found === null || !(value > 0) || (found[2] === undefined && !Number.isInteger(value))) {
    throw new InvalidArgumentError('A number of steps or a time is expected: 500, 30s, 2m.');
  }
  const unit = { s: 1000, m: 60_000, h: 3_600_000 }[found[2] as 's' | 'm' | 'h'] as number | undefined;
  return unit === undefined ? { steps: value } : { ms: value * unit };
}

/** `5` for all of five folds, `2/5` for the third of them (counted from 0). */
export function folds(text: string): { readonly fold: number | undefined; readonly folds: number } {
  const found = /^(?:(\d+)\/)?(\d+)$/.exec(text.trim());
  const count = Number(found?.[2]);
  const fold = found?.[1] === undefined ? undefined : Number(found[1]);
  if (found === null || count < 2 || (fold !== undefined && fold >= count)) {
    throw new InvalidArgumentError('The number of folds is expected, at least 2, or one of them as 0/5 .. 4/5.');
  }
  return { fold, folds: count };
}

/** Numbers of hidden units separated by commas: `512,256`. */
export function units(text: string): readonly number[] {
  const values = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : 0));
  if (!values.every((value) => value >= 1 && value <= 65_536)) {
    throw new InvalidArgumentError('Numbers of units from 1 to 65536 with commas between are expected: 512,256.');
  }
  return values;
}

/** Integers separated by commas. */
export function integerList(text: string): readonly number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!values.every(Number.isInteger)) throw new InvalidArgumentError('Integers with commas between are expected.');
  return values;
}

/** Classes: `membrane,inside` by name, or `membrane=0,inside=255`, `cell=5+9`, `cell=rest`, `cell=#ff0000` by value. */
export function classList(text: string): readonly (string | LabelClass)[] {
  return text.split(',').map((part) => {
    const [name = '', value] = part.split('=').map((piece) => piece.trim());
    if (name === '') {
      throw new InvalidArgumentError('Names are expected: membrane,inside or membrane=0,inside=255.');
    }
    if (value === undefined) return name;
    if (value === 'rest') return { name, values: 'rest' };
    const values = value
      .split('+')
      .map((piece) =>
        piece.startsWith('#') ? Number.parseInt(piece.slice(1), 16) : piece === '' ? NaN : Number(piece),
      );
    if (!values.every(Number.isInteger)) {
      throw new InvalidArgumentError(
        `"${value}" is not a label value: integers, #rrggbb or rest are expected, several joined by +.`,
      );
    }
    return { name, values };
  });
}

/** Channels of an image: names, or numbers from 0, separated by commas. */
export function channels(text: string): readonly (string | number)[] {
  return text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : part.trim()));
}

/** Names separated by commas. */
export function names(text: string): readonly string[] {
  const list = text.split(',').map((part) => part.trim());
  if (list.includes('')) throw new InvalidArgumentError('Names with commas between are expected.');
  return list;
}

/** `percentile`, `zscore`, `range=0,255`, `0/255`, `123.7,116.3,103.5/58.4,57.1,57.4`. */
export function normalisation(text: string): NormalisationOptions {
  const numbers = (list: string): number[] =>
    list.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [kind = '', bounds] = text.trim().split('=');
  if (bounds === undefined && (kind === 'percentile' || kind === 'zscore')) return { kind };
  const [low, high, ...more] = numbers(bounds ?? '') as [number, number];
  if (kind === 'range' && high > low && more.length === 0) return { kind, range: [low, high] };
  const [mean = [], std = [], ...rest] = text.split('/').map(numbers);
  const fits = mean.length === std.length || mean.length === 1 || std.length === 1;
  if (fits && rest.length === 0 && mean.every(Number.isFinite) && std.length > 0 && std.every((value) => value > 0)) {
    return { kind: 'zscore', given: { mean, std } };
  }
  throw new InvalidArgumentError(
    'percentile, zscore, range=LOW,HIGH or MEAN/DEVIATION is expected: range=0,4095, 0/255, 124,116,104/58,57,57.',
  );
}

/** Several of a list of words, separated by commas. */
export function listOf<T extends string>(...known: readonly T[]): (text: string) => readonly T[] {
  const one = oneOf(...known);
  return (text) => [...new Set(text.split(',').map((part) => one(part.trim())))];
}

/** A pixel: `120,80` is x 120, y 80. Whether it lies in an image is checked later. */
export function point(text: string): { readonly x: number; readonly y: number } {
  const found = /^\s*(-?\d+)\s*[,x]\s*(-?\d+)\s*$/.exec(text);
  if (found === null) throw new InvalidArgumentError('Two integers x,y are expected: 120,80.');
  return { x: Number(found[1]), y: Number(found[2]) };
}
