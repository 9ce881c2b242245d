/** The text header of an NRRD file: https://teem.sourceforge.net/nrrd/format.html */

import { FormatError } from '../../../errors.ts';
import type { Vector3 } from '../../image.ts';

export interface NrrdHeader {
  /** Lower-case names of fields, and their values. */
  readonly fields: ReadonlyMap<string, string>;
  /** Key/value pairs (`:=`), with arbitrary content. */
  readonly pairs: ReadonlyMap<string, string>;
  /** Byte offset of the data in an attached file. */
  readonly end: number;
  readonly sizes: readonly number[];
  readonly type: string;
  readonly encoding: string;
  readonly byteSkip: number;
  readonly lineSkip: number;
  /** Step of each axis in the space of the file, which may include time as its fourth axis; undefined for `none`. */
  readonly directions?: readonly (SpaceVector | undefined)[];
  readonly origin?: SpaceVector;
}

/** A vector in space, with a time component if the space has one (`left-posterior-superior-time`). */
export interface SpaceVector {
  readonly place: Vector3;
  readonly time: number;
}

const MAX_HEADER = 2 ** 20;

/** Other spellings of the same field. */
const SAME: Readonly<Record<string, string>> = { datafile: 'data file', byteskip: 'byte skip', lineskip: 'line skip' };

/** @throws FormatError for an incomplete or contradictory header. */
export function readNrrdHeader(bytes: Uint8Array, file: string): NrrdHeader {
  const problem = (text: string, remedy = 'Save the file again.') => new FormatError(text, { file, remedy });
  const fields = new Map<string, string>();
  const pairs = new Map<string, string>();
  let at = 0;
  let line = '';
  for (let first = true; ; first = false) {
    let end = at;
    while (end < bytes.length && bytes[end] !== 0x0a && end < MAX_HEADER) end++;
    line = new TextDecoder().decode(bytes.subarray(at, end)).replace(/\r$/, '');
    // A detached header may end without the blank line.
    if (end >= bytes.length || end >= MAX_HEADER) at = bytes.length;
    else at = end + 1;
    if (line === '') break;
    const field = /^([^:#][^:]*): (.*)$/.exec(line);
    const pair = /^([^:#][^:]*):=(.*)$/.exec(line);
    if (pair !== null) pairs.set(pair[1], pair[2]);
    else if (!first && field !== null) {
      const name = field[1].trim().toLowerCase();
      fields.set(SAME[name] ?? name, field[2].trim());
    }
    if (at >= bytes.length) break;
  }
  const required = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw problem(`the NRRD header has no field "${name}".`);
    return value;
  };
  const dimension = Number(required('dimension'));
  const sizes = words(required('sizes')).map(Number);
  if (
    !Number.isInteger(dimension) ||
    sizes.length !== dimension ||
    sizes.some((size) => !(Number.isInteger(size) && size > 0))
  ) {
    throw problem(`the NRRD header says ${fields.get('dimension')} axes of the sizes "${fields.get('sizes')}".`);
  }
  const skip = (name: string, least: number): number => {
    const value = Number(fields.get(name) ?? 0);
    if (!Number.isInteger(value) || value < least) throw problem(`a ${name} of ${fields.get(name)} is not possible.`);
    return value;
  };
  const directions = fields.has('space directions') ? vectors(required('space directions')) : undefined;
  if (directions !== undefined && directions.length !== dimension) {
    throw problem(`the NRRD header has ${directions.length} space directions for ${dimension} axes.`);
  }
  const origin = fields.has('space origin') ? vectors(required('space origin'))[0] : undefined;
  return {
    fields,
    pairs,
    end: at,
    sizes,
    type: required('type').toLowerCase(),
    encoding: required('encoding').toLowerCase(),
    byteSkip: skip('byte skip', -1),
    lineSkip: skip('line skip', 0),
    directions,
    origin,
  };
}

/** Words separated by blanks; quoted words may contain blanks. */
export function words(value: string): string[] {
  return [...value.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]);
}

/** `(1,0,0) none (0,1,0)`; 2D vectors get a third component 0, the fourth is time; those with NaN count as none. */
function vectors(value: string): (SpaceVector | undefined)[] {
  return [...value.matchAll(/\(([^)]*)\)|none/gi)].map((match) => {
    const numbers = match[1]?.split(',').map(Number);
    if (numbers === undefined || numbers.length < 2 || numbers.length > 4 || !numbers.every(Number.isFinite))
      return undefined;
    return { place: [numbers[0], numbers[1], numbers[2] ?? 0], time: numbers[3] ?? 0 };
  });
}
