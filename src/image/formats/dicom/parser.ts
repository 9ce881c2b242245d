/** The part of dicom-parser that is used, typed: the package's own types do not resolve as a module. */

import { inflateRaw } from '../../inflate.ts';

export interface Element {
  /** `x7fe00010`: group and element. */
  readonly tag: string;
  readonly length: number;
  readonly dataOffset: number;
  readonly items?: readonly { readonly dataSet?: DataSet }[];
  /** Where the pixels are compressed. */
  readonly encapsulatedPixelData?: boolean;
  readonly basicOffsetTable?: readonly number[];
  /** `offset` counts from the first byte of the first fragment's item, as the offset table does. */
  readonly fragments?: readonly { readonly offset: number; readonly position: number; readonly length: number }[];
}

export interface DataSet {
  readonly byteArray: Uint8Array;
  readonly elements: { readonly [tag: string]: Element | undefined };
  uint16(tag: string): number | undefined;
  int16(tag: string): number | undefined;
  /** Trimmed; all values where there are several, with backslashes between. */
  string(tag: string): string | undefined;
  /** The first number of a decimal string. */
  floatString(tag: string): number | undefined;
  intString(tag: string): number | undefined;
}

interface Parser {
  parseDicom(
    bytes: Uint8Array,
    options: { readonly untilTag?: string; readonly inflater?: (bytes: Uint8Array, at: number) => Uint8Array },
  ): DataSet;
}

/** What the parser asks to unpack files that are deflated as a whole; the result is of `maxBytes` at most. */
export const inflaterTo =
  (maxBytes: number) =>
  (all: Uint8Array, at: number): Uint8Array => {
    const rest = inflateRaw(all.subarray(at), maxBytes);
    const whole = new Uint8Array(at + rest.length);
    whole.set(all.subarray(0, at));
    whole.set(rest, at);
    return whole;
  };

/** Loads dicom-parser, which is CommonJS. */
export async function loadParser(): Promise<Parser> {
  const module: unknown = await import('dicom-parser');
  return ((module as { default?: unknown }).default ?? module) as Parser;
}
