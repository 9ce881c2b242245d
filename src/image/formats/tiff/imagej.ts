/**
 * ImageJ's description: one line per property. Its meaning was compared with ImageJ 1.53t
 * (scripts/golden/imagej.rhino).
 */
import { FormatError } from '../../../errors.ts';
import { type Image, labelKindOf, type Spacing } from '../../image.ts';
import { rescale } from '../../samples.ts';
import { isDefaultDensity, normaliseUnit, spacingOf, spacingsOf } from '../../units.ts';
import { type Arrangement, type Calibration, type Described, gridOf, stack } from './arrangement.ts';
import type { Directory } from './directory.ts';

/** The number of pages stated by ImageJ, which lists only the first of a stack above 4 GiB. */
export function imagejPages(description: string): number | undefined {
  return description.startsWith('ImageJ=') ? count(properties(description).get('images')) : undefined;
}

/** Pages in the order channel, slice, frame, channel fastest. */
export function imagejArrangement({ description, directories, held, layout }: Described): Arrangement | undefined {
  if (!description.startsWith('ImageJ=')) return undefined;
  const property = properties(description);
  const c = count(property.get('channels'));
  const t = count(property.get('frames'));
  // A plain stack states neither; `slices` may be missing if there is only `images`.
  const z = property.has('slices') || c * t > 1 ? count(property.get('slices')) : held;
  const images = property.has('images') ? count(property.get('images')) : held;
  const rest = {
    spacing: imagejSpacing(directories[0], property),
    imagej: true,
    labelKind: labelKindOf(property.get('label_kind')),
    calibration: layout.samples === 1 ? calibrationOf(property) : undefined,
  };
  if (c * z * t !== held || images !== held) {
    const note = `The ImageJ description states ${images} images of ${c} channels x ${z} slices x ${t} frames, but the file contains ${held}; they are read as slices.`;
    return { ...stack(held, note), ...rest };
  }
  return {
    ...gridOf('tzc', { t, c, z }),
    channels: channelNames(property.get('channel_names'), c),
    notes: [],
    ...rest,
  };
}

/** Sizes in ImageJ's units: pixels per unit are in the resolution tags; the distance between slices may be negative. */
export function imagejSpacing(first: Directory, property: ReadonlyMap<string, string>) {
  const stated = property.get('unit') ?? '';
  const unitOf = (name: string) => normaliseUnit(property.get(name) ?? stated);
  // Micro-Manager writes `um` beside pixels per centimetre, which ImageJ handles.
  const factor = stated === 'um' && first.first('ResolutionUnit') === 3 ? 10_000 : 1;
  const size = (tag: 'XResolution' | 'YResolution', unit: string | undefined) =>
    unlessDefault(spacingOf(factor * (first.inverse(tag) ?? 0), unit));
  return spacingsOf({
    x: size('XResolution', normaliseUnit(stated)),
    y: size('YResolution', unitOf('yunit')),
    z: spacingOf(Math.abs(Number(property.get('spacing'))), unitOf('zunit')),
    t: spacingOf(Number(property.get('finterval')), normaliseUnit(property.get('tunit') ?? 's')),
  });
}

/** ImageJ keeps the print resolution of an opened file as a size in inches or centimetres. */
function unlessDefault(size: Spacing | undefined): Spacing | undefined {
  const perInch = size?.unit === 'inch' ? 1 : size?.unit === 'cm' ? 2.54 : undefined;
  return size !== undefined && perInch !== undefined && isDefaultDensity(perInch / size.value) ? undefined : size;
}

/** As in ImageJ: only if there is a value unit, even if empty. */
function calibrationOf(property: ReadonlyMap<string, string>): Calibration | undefined {
  const unit = property.get('vunit');
  if (unit === undefined) return undefined;
  const parameters: number[] = [];
  for (let i = 0; property.has(`c${i}`); i++) parameters.push(Number(property.get(`c${i}`)));
  const method = Number(property.get('cf') ?? 0);
  return { method, parameters, unit: normaliseUnit(unit) };
}

type Curve = (x: number, p: readonly number[]) => number;
const polynomial: Curve = (x, p) => p.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
const OPTICAL_DENSITY = 21;

/** ImageJ's functions by number: 0 is a straight line; those without a curve are not supported. */
const FUNCTIONS: Readonly<Record<number, readonly [name: string, parameters: number, curve?: Curve]>> = {
  1: ['2nd degree polynomial', 3, polynomial],
  2: ['3rd degree polynomial', 4, polynomial],
  3: ['4th degree polynomial', 5, polynomial],
  4: ['exponential', 2, (x, [a, b]) => a * Math.exp(b * x)],
  5: ['power', 2, (x, [a, b]) => (x === 0 ? 0 : a * x ** b)],
  6: ['log', 2],
  7: ['Rodbard', 4, (x, [a, b, c, d]) => d + (a - d) / (1 + (x / c) ** b)],
  8: ['gamma variate', 4],
  9: ['y = a+b*ln(x-c)', 3],
  10: ['Rodbard (NIH Image)', 4],
  11: ['exponential with offset', 3],
  12: ['Gaussian', 4],
  13: ['exponential recovery', 3],
  [OPTICAL_DENSITY]: ['uncalibrated OD', 0, (x) => Math.log10(255 / (x === 0 ? 0.5 : x))],
};

/**
 * The calibrated values of 8- and 16-bit grey images as shown by ImageJ; others keep their values, with the unit.
 * @throws FormatError for an unsupported function, naming it
 */
export function calibrateValues(image: Image, { method, parameters, unit }: Calibration, file: string): Image {
  const { dtype, bitDepth: _, ...rest } = image;
  if (dtype !== 'uint8' && dtype !== 'uint16' && dtype !== 'int16') return { ...image, valueUnit: unit };
  const counts = method === OPTICAL_DENSITY ? dtype === 'uint8' : parameters.length > 1;
  if (!counts) return image;
  // For signed 16 bits ImageJ adds 32768 to the stored value.
  const shift = dtype === 'int16' ? 32_768 : 0;
  if (method === 0) {
    const [intercept, slope] = parameters;
    if (slope === 1 && intercept + shift === 0) return { ...image, valueUnit: unit };
    return {
      ...rest,
      ...rescale([{ data: image.data, slope, intercept: intercept + slope * shift }], dtype, file),
      valueUnit: unit,
    };
  }
  const [name, needed, curve] = FUNCTIONS[method] ?? [`number ${method}`, 0];
  if (curve === undefined || parameters.length < needed) {
    throw new FormatError(`ImageJ's calibration of values by the function "${name}" is not supported.`, {
      file,
      remedy: 'Set the function to "None" under Analyze > Calibrate in ImageJ and save it again.',
    });
  }
  const used = parameters.slice(0, needed);
  const stored = image.data as Uint8Array | Uint16Array | Int16Array;
  return { ...rest, dtype: 'float32', data: Float32Array.from(stored, (x) => curve(x + shift, used)), valueUnit: unit };
}

export function properties(description: string): Map<string, string> {
  return new Map(
    description.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const];
    }),
  );
}

function count(text: string | undefined): number {
  const value = Number(text ?? 1);
  return Number.isInteger(value) && value > 0 ? value : 1;
}

/** Lamella's own line in ImageJ's description, a JSON list of names; ImageJ ignores it. */
function channelNames(json: string | undefined, c: number): readonly string[] | undefined {
  if (json === undefined) return undefined;
  try {
    const names: unknown = JSON.parse(json);
    return Array.isArray(names) && names.length === c ? names.map(String) : undefined;
  } catch {
    return undefined;
  }
}
