/** Which values are displayed as black and white, and the colours of classes. */

import { float16ToNumber } from '../array/float16.ts';
import type { Image } from './image.ts';

export interface DisplayWindow {
  readonly low: number;
  readonly high: number;
  /** `lung window`, `percentiles 0.5 to 99.5`, ... */
  readonly name: string;
}

/** Number of values examined, at equal distances. */
const SAMPLE = 200_000;

/** Centre and width in HU, as usual on radiology workstations. */
const LUNG = { low: -1350, high: 150, name: 'lung window' };
const SOFT_TISSUE = { low: -160, high: 240, name: 'soft tissue window' };

/**
 * A window that suits the image: for Hounsfield units the lung window if the image shows lungs, otherwise the
 * soft-tissue window; from 0 for PET and dose; the full range for a few integers, as in label maps; otherwise the
 * percentiles 0.5 and 99.5. Padding is ignored. The file's own window is used for everything but Hounsfield units: in
 * CT it is chosen for the organ in question. `high` is always above `low`.
 */
export const displayWindow = (image: Image): DisplayWindow => windowOf(image, sampleOf(image));

/** Values in ascending order; of 8 bits in a type that is sorted in half the time. */
type Sample = Float64Array | Uint8Array;

/** `displayWindow` by a sample of the image's values (`ValueSample`). */
export function windowOf(image: Omit<Image, 'data'>, sample: Sample): DisplayWindow {
  if (sample.length === 0) return { low: 0, high: 1, name: 'no values' };
  const at = (share: number): number => sample[Math.round(share * (sample.length - 1))];
  const [least, most] = [at(0), at(1)];
  if (areHounsfield(image, sample)) return showsLungs(sample) ? LUNG : SOFT_TISSUE;
  const between = (low: number, high: number, name: string): DisplayWindow =>
    high > low ? { low, high, name } : { low: low - 1, high: low + 1, name };
  if (image.window !== undefined && image.window[1] > image.window[0]) {
    return { low: image.window[0], high: image.window[1], name: 'window of the file' };
  }
  if (isLabels(sample)) return between(least, most, 'all values');
  if (image.modality === 'PT' || image.modality === 'RTDOSE' || image.valueUnit === 'Gy')
    return between(0, at(0.995), '0 to percentile 99.5');
  const [low, high] = [at(0.005), at(0.995)];
  return high > low ? { low, high, name: 'percentiles 0.5 to 99.5' } : between(least, most, 'all values');
}

/** Finite values of an image without padding, at equal distances, which are added part by part in their order. */
export class ValueSample {
  readonly #info: Pick<Image, 'dtype' | 'padding'>;
  readonly #step: number;
  readonly #values: Sample;
  #count = 0;
  /** Of the value to take next, in the part to be added. */
  #next = 0;

  /** @param length number of all values */
  constructor(info: Pick<Image, 'dtype' | 'padding'>, length: number) {
    this.#info = info;
    this.#step = Math.max(1, Math.ceil(length / SAMPLE)) | 1;
    const Values = info.dtype === 'uint8' ? Uint8Array : Float64Array;
    this.#values = new Values(Math.ceil(length / this.#step));
  }

  add(data: Image['data']): void {
    const { dtype, padding } = this.#info;
    let i = this.#next;
    for (; i < data.length; i += this.#step) {
      const value = dtype === 'float16' ? float16ToNumber(data[i] as number) : Number(data[i]);
      if (Number.isFinite(value) && value !== padding) this.#values[this.#count++] = value;
    }
    this.#next = i - data.length;
  }

  /** Ascending. */
  sorted(): Sample {
    return this.#values.subarray(0, this.#count).sort();
  }
}

function sampleOf(image: Image): Sample {
  const sample = new ValueSample(image, image.data.length);
  sample.add(image.data);
  return sample.sorted();
}

function shareBetween(sample: Sample, low: number, high: number): number {
  let count = 0;
  for (const value of sample) if (value >= low && value <= high) count++;
  return count / sample.length;
}

/**
 * As stated by the file; otherwise judged by values: air at -1000 and tissue near 0, as in a CT saved as TIFF or NIfTI.
 */
export const isHounsfield = (image: Image): boolean => areHounsfield(image, sampleOf(image));

function areHounsfield(image: Omit<Image, 'data'>, sample: Sample): boolean {
  if (image.valueUnit !== undefined) return image.valueUnit === 'HU';
  if (image.modality !== undefined && image.modality !== 'CT') return false;
  const hasAir = shareBetween(sample, -1100, -900) > 0.02;
  const hasTissue = hasAir && shareBetween(sample, -150, 250) > 0.05;
  return hasTissue && 1 - shareBetween(sample, -4096, 4096) < 0.001;
}

/** Whether lungs, at -950 to -600, occur beside tissue. */
function showsLungs(sample: Sample): boolean {
  return shareBetween(sample, -950, -600) > 0.1 * shareBetween(sample, -200, 200);
}

function isLabels(sample: Sample): boolean {
  const values = new Set<number>();
  for (const value of sample) if (!Number.isInteger(value) || values.add(value).size > 32) return false;
  return true;
}

/** The 0.5 and 99.5 percentiles of the finite values of all planes, never equal; 0 to 1 if there are none. */
export function displayRange(planes: readonly Float32Array[]): readonly [low: number, high: number] {
  const step = Math.ceil(planes.reduce((sum, { length }) => sum + length, 0) / SAMPLE) | 1;
  const sample = Float32Array.from(
    planes.flatMap((plane) => Array.from(plane.filter((value, i) => i % step === 0 && Number.isFinite(value)))),
  ).sort();
  if (sample.length === 0) return [0, 1];
  const low = sample[Math.floor(0.005 * (sample.length - 1))];
  const high = sample[Math.ceil(0.995 * (sample.length - 1))];
  return high > low ? [low, high] : [low - 1, low + 1];
}

/** RGB 0..255. */
export type Colour = readonly [number, number, number];

/** Colours that are distinguishable for colour-blind people (Okabe and Ito 2008). */
export const OKABE_ITO = {
  orange: [230, 159, 0],
  skyBlue: [86, 180, 233],
  green: [0, 158, 115],
  yellow: [240, 228, 66],
  blue: [0, 114, 178],
  vermilion: [213, 94, 0],
  purple: [204, 121, 167],
} as const satisfies Readonly<Record<string, Colour>>;

const CLASS_COLOURS: readonly Colour[] = Object.values(OKABE_ITO);

/** The colour of a class 1, 2, ...; colours repeat after seven. Class 0 is black. */
export function classColour(index: number): Colour {
  return index === 0 ? [0, 0, 0] : CLASS_COLOURS[(index - 1) % CLASS_COLOURS.length];
}
