/** Pixels to small PNG pictures inside the page. */

import { ndarray } from '../../array/ndarray.ts';
import { writePng } from '../../image/formats/png/write.ts';
import type { Image } from '../../image/image.ts';
import { ERROR_CLASSES } from '../../metrics/error-map.ts';
import { toDataUri } from './data-uri.ts';

/** RGB 0..255. */
export type Colour = readonly [number, number, number];

/**
 * Colours of the errors (Okabe and Ito 2008): over a dark picture these four stay apart under protanopia,
 * deuteranopia and tritanopia by a CIE76 difference of 24 and more. What breaks objects is warm, what is a matter of
 * pixels is blue.
 */
export const ERROR_COLOURS: Readonly<Record<Exclude<keyof typeof ERROR_CLASSES, 'correct'>, Colour>> = {
  merged: [213, 94, 0],
  split: [240, 228, 66],
  missed: [0, 114, 178],
  false: [86, 180, 233],
};

/** Colours of the classes 1, 2, ... where there are more than two; class 0 is black. */
export const CLASS_COLOURS: readonly Colour[] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
];

/** A part of a picture. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Planes 0..255, one (grey) or three, [height, width] each. */
export interface Picture {
  readonly planes: readonly Uint8Array[];
  readonly height: number;
  readonly width: number;
}

/** Longest side of pictures in the report. */
export const MOST_PX = 512;

/** A grey or colour picture of image planes, stretched between percentiles 0.5 and 99.5 of all of them; NaN is black. */
export function imagePicture(planes: readonly Float32Array[], height: number, width: number): Picture {
  const shown = planes.length === 3 ? planes : planes.slice(0, 1);
  const step = Math.ceil((shown.length * height * width) / 100_000) | 1;
  const sample: number[] = [];
  for (const plane of shown) {
    for (let p = 0; p < plane.length; p += step) if (Number.isFinite(plane[p])) sample.push(plane[p] as number);
  }
  sample.sort((a, b) => a - b);
  const low = sample[Math.floor(0.005 * (sample.length - 1))] ?? 0;
  const high = sample[Math.ceil(0.995 * (sample.length - 1))] ?? 1;
  const scale = high > low ? 255 / (high - low) : 0;
  return {
    height,
    width,
    planes: shown.map((plane) => {
      const out = new Uint8ClampedArray(plane.length);
      for (let p = 0; p < out.length; p++) out[p] = ((plane[p] as number) - low) * scale;
      return new Uint8Array(out.buffer);
    }),
  };
}

/** Probability 0..1 as grey, black to white. */
export function probabilityPicture(probability: Float32Array, height: number, width: number): Picture {
  const out = new Uint8ClampedArray(probability.length);
  for (let p = 0; p < out.length; p++) out[p] = 255 * (probability[p] as number);
  return { planes: [new Uint8Array(out.buffer)], height, width };
}

/** Class numbers: black and white for two classes, colours for more. Numbers beyond (ignored pixels) are mid-grey. */
export function classPicture(labels: Uint8Array, classes: number, height: number, width: number): Picture {
  if (classes <= 2) {
    return { planes: [labels.map((value) => (value > 1 ? 128 : 255 * value))], height, width };
  }
  const colourOf = (value: number): Colour => {
    if (value === 0) return [0, 0, 0];
    return value < classes ? (CLASS_COLOURS[(value - 1) % CLASS_COLOURS.length] as Colour) : [128, 128, 128];
  };
  return { planes: [0, 1, 2].map((k) => labels.map((value) => colourOf(value)[k] as number)), height, width };
}

/** Error colours over the picture made dark and grey. */
export function errorPicture(picture: Picture, errors: Uint8Array): Picture {
  const { planes, height, width } = picture;
  const colours: (Colour | undefined)[] = [];
  for (const [kind, value] of Object.entries(ERROR_CLASSES)) {
    if (kind !== 'correct') colours[value] = ERROR_COLOURS[kind as keyof typeof ERROR_COLOURS];
  }
  const out = [0, 1, 2].map(() => new Uint8Array(errors.length));
  for (let p = 0; p < errors.length; p++) {
    let grey = 0;
    for (const plane of planes) grey += plane[p] as number;
    // 24..128: darker than every error colour but blue, which is coloured.
    grey = 24 + (grey / planes.length) * 0.4;
    const colour = colours[errors[p] as number];
    for (let k = 0; k < 3; k++) (out[k] as Uint8Array)[p] = colour === undefined ? grey : (colour[k] as number);
  }
  return { planes: out, height, width };
}

/** A part of a picture. */
export function crop({ planes, width: stride }: Picture, { x, y, width, height }: Window): Picture {
  return {
    height,
    width,
    planes: planes.map((plane) => {
      const out = new Uint8Array(height * width);
      for (let row = 0; row < height; row++) {
        const from = (y + row) * stride + x;
        out.set(plane.subarray(from, from + width), row * width);
      }
      return out;
    }),
  };
}

/** The picture made smaller by a whole factor until its sides are at most `most`: means of blocks. */
export function shrink(picture: Picture, most = MOST_PX): Picture {
  const { planes, height, width } = picture;
  const factor = Math.ceil(Math.max(height, width) / most);
  if (factor <= 1) return picture;
  const [rows, columns] = [Math.max(1, Math.floor(height / factor)), Math.max(1, Math.floor(width / factor))];
  return {
    height: rows,
    width: columns,
    planes: planes.map((plane) => {
      const out = new Uint8Array(rows * columns);
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          let sum = 0;
          let count = 0;
          for (let y = r * factor; y < Math.min(height, (r + 1) * factor); y++) {
            for (let x = c * factor; x < Math.min(width, (c + 1) * factor); x++) {
              sum += plane[y * width + x] as number;
              count++;
            }
          }
          out[r * columns + c] = Math.round(sum / count);
        }
      }
      return out;
    }),
  };
}

/** A PNG as a data URI. */
export function dataUri({ planes, height, width }: Picture): string {
  const data = new Uint8Array(planes.length * height * width);
  planes.forEach((plane, k) => {
    data.set(plane, k * height * width);
  });
  const colour = planes.length === 3;
  const image: Image<'uint8'> = {
    ...ndarray('uint8', colour ? [3, height, width] : [height, width], data),
    axes: colour ? 'cyx' : 'yx',
    spacing: {},
  };
  return toDataUri(writePng(image), 'image/png');
}
