import { allocate, bytesPer, type DType, elementCount, type Storage } from '../../../array/ndarray.ts';
import { FormatError, option } from '../../../errors.ts';
import { cross, fromSteps } from '../../geometry.ts';
import { gunzip } from '../../gunzip.ts';
import { axesOf, type Geometry, type Image, type Spacing, type Spacings, type Vector3 } from '../../image.ts';
import { samplesFrom } from '../../samples.ts';
import { normaliseUnit, spacingOf, spacingsOf } from '../../units.ts';
import { type Codec, checkDeclaredSize, type ReadContext } from '../format.ts';
import { type NrrdHeader, readNrrdHeader, words } from './header.ts';

const TYPES: readonly (readonly [DType, readonly string[]])[] = [
  ['int8', ['signed char', 'int8', 'int8_t']],
  ['uint8', ['uchar', 'unsigned char', 'uint8', 'uint8_t']],
  ['int16', ['short', 'short int', 'signed short', 'signed short int', 'int16', 'int16_t']],
  ['uint16', ['ushort', 'unsigned short', 'unsigned short int', 'uint16', 'uint16_t']],
  ['int32', ['int', 'signed int', 'int32', 'int32_t']],
  ['uint32', ['uint', 'unsigned int', 'uint32', 'uint32_t']],
  ['int64', ['longlong', 'long long', 'long long int', 'signed long long', 'signed long long int', 'int64', 'int64_t']],
  ['uint64', ['ulonglong', 'unsigned long long', 'unsigned long long int', 'uint64', 'uint64_t']],
  ['float32', ['float']],
  ['float64', ['double']],
];

const COLOURS: Readonly<Record<string, readonly string[]>> = {
  'rgb-color': ['red', 'green', 'blue'],
  'rgba-color': ['red', 'green', 'blue', 'alpha'],
};
/** Kinds of spatial axes; all other kinds except `time` contain components. */
const SPATIAL = new Set(['domain', 'space', '???', 'none', '']);

/** A segment of a segmentation of 3D Slicer. */
export interface NrrdSegment {
  readonly name: string;
  readonly value: number;
  /** The channel that it is in. */
  readonly layer: number;
}

/**
 * A segmentation of 3D Slicer (`.seg.nrrd`), with a channel per layer.
 * @throws FormatError as the reader of NRRD; there may be no segments
 */
export async function readNrrdSegments(
  bytes: Uint8Array,
  context: ReadContext,
): Promise<{ readonly image: Image; readonly segments: readonly NrrdSegment[] }> {
  const image = await readNrrd(bytes, context, () => []);
  return { image, segments: segmentsIn(readNrrdHeader(bytes, context.file)) };
}

/** NRRD, attached and detached (`.nhdr` with its data in another file), raw, gzip and ASCII. */
export const nrrd: Codec = {
  read: (bytes, context) => readNrrd(bytes, context, segmentNotes),
};

async function readNrrd(
  bytes: Uint8Array,
  context: ReadContext,
  notesOf: (header: NrrdHeader, roles: readonly string[], file: string) => readonly string[],
): Promise<Image> {
  const { file } = context;
  const header = readNrrdHeader(bytes, file);
  const dtype = TYPES.find(([, names]) => names.includes(header.type))?.[0];
  if (dtype === undefined) {
    throw new FormatError(`values of the type "${header.type}" are not supported.`, {
      file,
      remedy: 'Save the image with integers or floating point numbers.',
    });
  }
  const roles = rolesOf(header, file);
  const segments = notesOf(header, roles, file);
  const count = elementCount(header.sizes);
  const outside = header.fields.get('data file');
  const data = outside === undefined ? bytes.subarray(header.end) : await detached(outside, context);
  const what = `the image (${header.sizes.join(' x ')}, ${dtype})`;
  checkDeclaredSize(what, count * bytesPer(dtype), context);
  const { values, notes } = decode(data, header, dtype, count, context, what);
  return assemble(values, dtype, roles, header, [...notes, ...segments]);
}

/** Key/value pairs `Segment0_Name`, ...; without a value and layer, as of older versions, each is a layer of its own. */
function segmentsIn({ pairs }: NrrdHeader): readonly NrrdSegment[] {
  return [...pairs.keys()].flatMap((key) => {
    const [, number] = /^Segment(\d+)_Name$/.exec(key) ?? [];
    if (number === undefined) return [];
    const of = (field: string) => pairs.get(`Segment${number}_${field}`);
    return [{ name: of('Name') ?? '', value: Number(of('LabelValue') ?? 1), layer: Number(of('Layer') ?? number) }];
  });
}

async function detached(name: string, { file, sibling }: ReadContext): Promise<Uint8Array> {
  if (/^list\b/i.test(name) || /%\d*d/.test(name)) {
    throw new FormatError('data in several files (LIST, or a pattern of names) is not supported.', {
      file,
      remedy: 'Save the image as one NRRD file.',
    });
  }
  const folder = file.slice(0, Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  const path = /^([/\\]|[A-Za-z]:)/.test(name) ? name : `${folder}${name}`;
  const found = await sibling?.(path);
  if (found !== undefined) return found;
  throw new FormatError(`its data should be in "${name}", which is not there.`, {
    file,
    remedy: 'Put both files side by side, or save the image as .nrrd.',
  });
}

function decode(
  data: Uint8Array,
  { encoding, fields, byteSkip, lineSkip }: NrrdHeader,
  dtype: DType,
  count: number,
  { file, maxBytes }: ReadContext,
  what: string,
): { readonly values: Storage[DType]; readonly notes: readonly string[] } {
  const needed = count * bytesPer(dtype);
  let at = 0;
  for (let lines = 0; lines < lineSkip; lines++) {
    const end = data.indexOf(0x0a, at);
    at = end < 0 ? data.length : end + 1;
  }
  const rest = data.subarray(at);
  if (encoding === 'ascii' || encoding === 'text' || encoding === 'txt') {
    return { values: fromText(rest, dtype, count, file), notes: [] };
  }
  const isGzip = encoding === 'gzip' || encoding === 'gz';
  if (!isGzip && encoding !== 'raw') {
    throw new FormatError(`data in the encoding "${encoding}" is not supported.`, {
      file,
      remedy: 'Save the image with gzip or raw.',
    });
  }
  const { bytes: plain, notes } = isGzip ? gunzip(rest, maxBytes + 65_536) : { bytes: rest, notes: [] };
  // -1: the data are the last bytes, whatever precedes them.
  const start = byteSkip < 0 ? plain.length - needed : byteSkip;
  if (start < 0 || plain.length - start < needed) {
    throw new FormatError(
      `${what} takes ${needed} bytes, but only ${Math.max(0, plain.length - Math.max(0, start))} are there: the data end early.`,
      {
        file,
        remedy: 'Copy the file again.',
      },
    );
  }
  const endian = fields.get('endian')?.toLowerCase();
  if (bytesPer(dtype) > 1 && endian !== 'little' && endian !== 'big') {
    throw new FormatError('the NRRD header does not state the byte order (endian).', {
      file,
      remedy: 'Save the file again.',
    });
  }
  return { values: samplesFrom(plain, start, dtype, count, endian !== 'big'), notes };
}

function fromText(bytes: Uint8Array, dtype: DType, count: number, file: string): Storage[DType] {
  const out = allocate(dtype, count);
  let at = 0;
  let word = '';
  for (let i = 0; i <= bytes.length && at < count; i++) {
    const byte = bytes[i];
    if (byte !== undefined && byte > 0x20 && byte !== 0x2c) word += String.fromCharCode(byte);
    else if (word !== '') {
      const value = Number(word);
      if (Number.isNaN(value) && word.toLowerCase() !== 'nan') {
        throw new FormatError(`"${word.slice(0, 20)}" is not a number.`, { file, remedy: 'Save the file again.' });
      }
      if (out instanceof BigInt64Array || out instanceof BigUint64Array) out[at++] = BigInt(Math.trunc(value));
      else out[at++] = value;
      word = '';
    }
  }
  if (at < count) {
    throw new FormatError(`the image has ${count} values, but only ${at} are there: the data end early.`, {
      file,
      remedy: 'Copy the file again.',
    });
  }
  return out;
}

/** The letter of each axis of the file, fastest first. */
function rolesOf({ sizes, fields, directions }: NrrdHeader, file: string): readonly string[] {
  const kinds = words(fields.get('kinds') ?? '').map((kind) => kind.toLowerCase());
  const spatial = ['x', 'y', 'z', 't'];
  const roles = sizes.map((_, axis) => {
    const kind = kinds[axis] ?? '';
    const direction = directions?.[axis];
    if (kind === 'time' || (direction !== undefined && direction.time !== 0 && direction.place.every((v) => v === 0))) {
      return 't';
    }
    const isSpatial = SPATIAL.has(kind) && (directions === undefined || direction !== undefined);
    return isSpatial ? (spatial.shift() ?? '?') : 'c';
  });
  const doubled = roles.some((role, i) => role === '?' || roles.indexOf(role) !== i);
  if (doubled || !roles.includes('y')) {
    throw new FormatError(
      `an array of ${sizes.length === 1 ? 'one axis' : `${sizes.length} axes (${sizes.join(' x ')})`} is not an image.`,
      {
        file,
        remedy: 'Save an image with x, y, and at most z, time and one axis of components.',
      },
    );
  }
  return roles;
}

/**
 * A segmentation from 3D Slicer (`.seg.nrrd`) names its segments in key/value pairs. Overlapping segments are in
 * several layers, none of which is the label map.
 */
function segmentNotes(header: NrrdHeader, roles: readonly string[], file: string): readonly string[] {
  const segments = segmentsIn(header);
  if (segments.length === 0) return [];
  if ((header.sizes[roles.indexOf('c')] ?? 1) === 1) {
    return [`A segmentation of 3D Slicer: ${segments.map(({ name, value }) => `${value} is ${name}`).join(', ')}.`];
  }
  const names = segments.map(({ name, layer, value }) => `${name} (layer ${layer}, value ${value})`).join(', ');
  throw new FormatError(`a segmentation in layers, whose segments may overlap, is not supported: ${names}.`, {
    file,
    remedy: `Convert it onto its image (${option('of')}), or in 3D Slicer export its segments to one label map.`,
  });
}

function assemble(
  data: Storage[DType],
  dtype: DType,
  roles: readonly string[],
  header: NrrdHeader,
  before: readonly string[],
): Image {
  const { sizes, fields } = header;
  const lengths = Object.fromEntries(roles.map((role, i) => [role, sizes[i]]));
  const kind = words(fields.get('kinds') ?? '')[roles.indexOf('c')]?.toLowerCase() ?? '';
  const components = lengths.c ?? 1;
  const colours = COLOURS[kind];
  const { notes: found, ...placed } = placeOf(header, roles);
  const notes = [...before, ...found];
  return {
    dtype,
    data: reorder(data, dtype, roles, sizes),
    ...axesOf(lengths),
    channels:
      components === 1
        ? ['grey']
        : colours?.length === components
          ? colours
          : Array.from({ length: components }, (_, i) => `component ${i}`),
    ...placed,
    ...(notes.length > 0 ? { notes } : {}),
  };
}

/** From the file's axis order to t, c, z, y, x. */
function reorder(
  data: Storage[DType],
  dtype: DType,
  roles: readonly string[],
  sizes: readonly number[],
): Storage[DType] {
  const order = [...'xyzct'].filter((role) => roles.includes(role));
  if (order.join() === roles.join()) return data;
  const [x, y, z, c, t] = [...'xyzct'].map((role) => {
    const at = roles.indexOf(role);
    return at < 0 ? { length: 1, stride: 0 } : { length: sizes[at], stride: elementCount(sizes.slice(0, at)) };
  });
  const out = allocate(dtype, data.length) as Float64Array;
  const from = data as Float64Array;
  let at = 0;
  for (let ti = 0; ti < t.length; ti++)
    for (let ci = 0; ci < c.length; ci++)
      for (let zi = 0; zi < z.length; zi++)
        for (let yi = 0; yi < y.length; yi++) {
          let i = ti * t.stride + ci * c.stride + zi * z.stride + yi * y.stride;
          for (let xi = 0; xi < x.length; xi++, i += x.stride) out[at++] = from[i];
        }
  return out;
}

/** Signs that convert a space to LPS. */
const SPACES: Readonly<Record<string, Vector3>> = {
  'left-posterior-superior': [1, 1, 1],
  lps: [1, 1, 1],
  'right-anterior-superior': [-1, -1, 1],
  ras: [-1, -1, 1],
  'left-anterior-superior': [1, -1, 1],
  las: [1, -1, 1],
};

interface Placed {
  readonly spacing: Spacings;
  readonly geometry?: Geometry;
  readonly notes: readonly string[];
}

function placeOf({ fields, directions, origin, sizes }: NrrdHeader, roles: readonly string[]): Placed {
  const notes: string[] = [];
  const space =
    fields
      .get('space')
      ?.toLowerCase()
      .replace(/-time$/, '')
      .replace(/^(...)t$/, '$1') ?? '';
  const signs = SPACES[space];
  const units = words(fields.get('space units') ?? '').map(normaliseUnit);
  const stated = units[0];
  const axisOf = (role: string): number => roles.indexOf(role);
  if (directions !== undefined) {
    const unit = stated ?? (signs === undefined ? undefined : 'mm');
    if (stated === undefined && signs !== undefined) {
      notes.push('The file does not state its unit of length; millimetres are assumed.');
    }
    const toLps = (vector: Vector3): Vector3 => vector.map((v, i) => v * (signs ?? [1, 1, 1])[i]) as unknown as Vector3;
    const [x, y, z] = ['x', 'y', 'z'].map((role) => directions[axisOf(role)]?.place) as [
      Vector3,
      Vector3,
      Vector3 | undefined,
    ];
    const found = fromSteps(toLps(x), toLps(y), toLps(z ?? cross(x, y)));
    const t = spacingOf(directions[axisOf('t')]?.time ?? Number.NaN, units[3]);
    if (found === undefined || unit === undefined) {
      notes.push(
        found === undefined
          ? 'The space directions are invalid and ignored.'
          : 'The voxel size has no unit and is ignored.',
      );
      return { spacing: {}, notes };
    }
    const [dx, dy, dz] = found.spacingMm;
    const each = (value: number): Spacing => ({ value, unit });
    const flat = z === undefined || (sizes[axisOf('z')] ?? 1) === 1;
    const spacing = spacingsOf({ t, z: flat ? undefined : each(dz), y: each(dy), x: each(dx) });
    if (signs === undefined || unit !== 'mm') return { spacing, notes };
    return { spacing, geometry: { originMm: toLps(origin?.place ?? [0, 0, 0]), direction: found.direction }, notes };
  }
  const spacings = words(fields.get('spacings') ?? '').map(Number);
  const axisUnits = words(fields.get('units') ?? '');
  const along = (axis: string) =>
    spacingOf(Math.abs(spacings[axisOf(axis)] ?? Number.NaN), normaliseUnit(axisUnits[axisOf(axis)] ?? ''));
  const spacing = spacingsOf({ t: along('t'), z: along('z'), y: along('y'), x: along('x') });
  if (spacings.some(Number.isFinite) && spacing.x === undefined)
    notes.push('The voxel size has no unit and is ignored.');
  return { spacing, notes };
}
