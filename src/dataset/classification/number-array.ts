/** Arrays of numbers from files with many images: IDX and npz. */

import { DatasetError } from '../../errors.ts';
import type { FoundSample } from './classes.ts';

export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array | Uint16Array | Int16Array | Int32Array | Float32Array;
}

/** An array [N, ...] of images of one row, [H, W] or channels last [H, W, C]. */
const CHANNELS_LAST = [1, 2, 3, 4];

/**
 * The images of an array [N, D], [N, H, W] or [N, H, W, C], each with its class in `labels` [N] or [N, 1].
 * @param name of the file or array, for the samples' names
 * @param file for messages
 * @throws DatasetError if the shapes do not match.
 */
export function pagesOfArray(images: NumberArray, labels: NumberArray, name: string, file: string): FoundSample[] {
  const [count = 0, ...rest] = images.shape;
  const given = labels.shape.length === 2 && labels.shape[1] === 1 ? labels.shape.slice(0, 1) : labels.shape;
  if (given.length !== 1) {
    throw new DatasetError(`the labels have the shape [${labels.shape.join(', ')}], one number an image is expected.`, {
      file,
      remedy: 'Use one class number per image.',
    });
  }
  if (given[0] !== count) {
    throw new DatasetError(`there are ${count} images and ${given[0]} labels.`, {
      file,
      remedy: 'Use one label per image.',
    });
  }
  const [height, width, channels] = rest.length === 1 ? [1, rest[0], 1] : [rest[0], rest[1], rest[2] ?? 1];
  const known = rest.length >= 1 && rest.length <= 3 && CHANNELS_LAST.includes(channels);
  if (!known || height === undefined || width === undefined || height * width === 0) {
    throw new DatasetError(
      `the images have the shape [${images.shape.join(', ')}]; [N, H, W], [N, H, W, channels] or [N, features] is expected.`,
      { file, remedy: 'Use an array of images.' },
    );
  }
  const size = height * width * channels;
  // Channels last is how photographs are stored.
  const channelNames = channels === 3 ? ['red', 'green', 'blue'] : undefined;
  requireFinite(images.data, file);
  return Array.from({ length: count }, (_, i) => {
    const data = images.data.subarray(i * size, (i + 1) * size);
    return {
      name: `${name}[${i}]`,
      class: labels.data[i],
      data: channels === 1 ? data : channelsFirst(data, channels),
      channels,
      channelNames,
      height,
      width,
    };
  });
}

function requireFinite(data: NumberArray['data'], file: string): void {
  if (!(data instanceof Float32Array)) return;
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    throw new DatasetError(`the value ${at} is ${data[at]}.`, { file, remedy: 'Use finite numbers.' });
  }
}

function channelsFirst(data: NumberArray['data'], channels: number): NumberArray['data'] {
  const out = data.slice();
  const pixels = data.length / channels;
  for (let p = 0, i = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++, i++) out[c * pixels + p] = data[i];
  }
  return out;
}
