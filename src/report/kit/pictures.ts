/** Pixels as small embedded PNG images. */

import { ndarray } from '../../array/ndarray.ts';
import type { Rectangle } from '../../array/window-sums.ts';
import { type Colour, classColour, displayRange, OKABE_ITO } from '../../image/display.ts';
import { writePng } from '../../image/formats/png/write.ts';
import type { Image } from '../../image/image.ts';
import { ERROR_CLASSES } from '../../metrics/error-map.ts';
import { toDataUri } from './data-uri.ts';

/**
 * Colours of the errors (Okabe and Ito 2008): over a dark image these four differ under protanopia,
 * deuteranopia and tritanopia by a CIE76 difference of at least 24. Errors that break objects are warm, those of pixels
 * blue.
 */
export const ERROR_COLOURS: Readonly<Record<Exclude<keyof typeof ERROR_CLASSES, 'correct'>, Colour>> = {
  merged: OKABE_ITO.vermilion,
  split: OKABE_ITO.yellow,
  missed: OKABE_ITO.blue,
  false: OKABE_ITO.skyBlue,
};

/** Planes 0..255, one (grey) or three, [height, width] each. */
export interface Picture {
  readonly planes: readonly Uint8Array[];
  readonly height: number;
  readonly width: number;
}

/** Longest side of images in the report, in pixels. */
export const MOST_PX = 512;

/** A grey or RGB image of planes, stretched between percentiles 0.5 and 99.5 of all of them; NaN is black. */
export function imagePicture(planes: readonly Float32Array[], height: number, width: number): Picture {
  const shown = planes.length === 3 ? planes : planes.slice(0, 1);
  const [low, high] = displayRange(shown);
  const scale = 255 / (high - low);
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

/** Class numbers: black and white for two classes, colours for more. Other numbers (ignored pixels) are mid-grey. */
export function classPicture(labels: Uint8Array, classes: number, height: number, width: number): Picture {
  if (classes <= 2) {
    return { planes: [labels.map((value) => (value > 1 ? 128 : 255 * value))], height, width };
  }
  const colourOf = (value: number): Colour => {
    return value < classes ? classColour(value) : [128, 128, 128];
  };
  return { planes: [0, 1, 2].map((k) => labels.map((value) => colourOf(value)[k] as number)), height, width };
}

/** Error colours over the image, darkened and in grey. */
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
    // 24..128: darker than every error colour except blue, which differs by hue.
    grey = 24 + (grey / planes.length) * 0.4;
    const colour = colours[errors[p] as number];
    for (let k = 0; k < 3; k++) (out[k] as Uint8Array)[p] = colour === undefined ? grey : (colour[k] as number);
  }
  return { planes: out, height, width };
}

/** A part of an image. */
export function crop({ planes, width: stride }: Picture, { x, y, width, height }: Rectangle): Picture {
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

/** Downsamples by an integer factor (block means) until no side exceeds `most`. */
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
