/** Numbers as colours. */

import { quantile } from '../../array/quantile.ts';
import { type Colour, OKABE_ITO } from '../../image/display.ts';
import type { Picture } from './pictures.ts';

/** Black through violet and orange to light yellow: matplotlib's `inferno` (van der Walt and Smith, CC0), every eighth. */
const HEAT: readonly Colour[] = [
  [0, 0, 4],
  [31, 12, 72],
  [85, 15, 109],
  [136, 34, 106],
  [186, 54, 85],
  [227, 89, 51],
  [249, 140, 10],
  [249, 201, 50],
  [252, 255, 164],
];
/** Colours of -1 and 1. */
const [NEGATIVE, POSITIVE] = [OKABE_ITO.blue, OKABE_ITO.vermilion];

/** Colour of a value 0..1; others are clipped. */
function heat(value: number): Colour {
  const at = Math.max(0, Math.min(1, value)) * (HEAT.length - 1);
  const below = Math.min(HEAT.length - 2, Math.floor(at));
  return mixed(HEAT[below] as Colour, HEAT[below + 1] as Colour, at - below);
}

/** Colour of a value -1..1: blue through white to orange. */
function signed(value: number): Colour {
  const size = Math.min(1, Math.abs(value));
  return mixed([255, 255, 255], value < 0 ? NEGATIVE : POSITIVE, size);
}

function mixed(a: Colour, b: Colour, share: number): Colour {
  return [0, 1, 2].map((k) => (a[k] as number) + share * ((b[k] as number) - (a[k] as number))) as unknown as Colour;
}

interface Numbers {
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

function coloured({ height, width, data }: Numbers, colourOf: (value: number, p: number) => Colour): Picture {
  const planes = [0, 1, 2].map(() => new Uint8Array(data.length));
  for (let p = 0; p < data.length; p++) {
    const colour = colourOf(data[p] as number, p);
    for (let k = 0; k < 3; k++) (planes[k] as Uint8Array)[p] = Math.round(colour[k] as number);
  }
  return { planes, height, width };
}

/** The given quantile of the finite values' magnitudes; 0 without values. */
export function magnitude(data: Float32Array, fraction: number): number {
  const sorted = data.filter(Number.isFinite).map(Math.abs).sort();
  return sorted.length === 0 ? 0 : quantile(sorted, fraction);
}

/** Largest magnitude of several planes, as their common scale. */
export function largest(planes: readonly Numbers[]): number {
  let most = 0;
  for (const { data } of planes) for (const value of data) most = Math.max(most, Math.abs(value));
  return most;
}

/** Values from `-most` to `most`, blue through white to orange. */
export function signedPicture(plane: Numbers, most = largest([plane])): Picture {
  return coloured(plane, (value) => signed(most === 0 ? 0 : value / most));
}

/** Values 0..1 as grey, NaN as stripes. */
export function greyPicture({ height, width, data }: Numbers, low: number, high: number): Picture {
  const scale = high > low ? 255 / (high - low) : 0;
  const out = new Uint8ClampedArray(data.length);
  for (let p = 0; p < out.length; p++) {
    const value = data[p] as number;
    out[p] = Number.isNaN(value) ? 110 + 20 * (((p % width) >> 3) & 1) : (value - low) * scale;
  }
  return { planes: [new Uint8Array(out.buffer)], height, width };
}

/** Values 0..most as a heat map over the image in grey; 0 stays grey. */
export function heatOver({ planes }: Picture, plane: Numbers, most: number): Picture {
  return coloured(plane, (value, p) => {
    let grey = 0;
    for (const own of planes) grey += own[p] as number;
    grey = 0.55 * (grey / planes.length);
    const share = most === 0 ? 0 : Math.max(0, Math.min(1, value / most));
    // Weak values are transparent.
    return mixed([grey, grey, grey], heat(0.25 + 0.75 * share), Math.sqrt(share) * 0.9);
  });
}
