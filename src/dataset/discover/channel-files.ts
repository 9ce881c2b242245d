/** Images with one file per channel: `case_0000.tif`, `case_0001.tif`, ... */

import { allocate } from '../../array/ndarray.ts';
import { DatasetError } from '../../errors.ts';
import { type Image, sizes } from '../../image/image.ts';
import { folderOf, roleOf, stemOf } from './names.ts';
import { DATASET_JSON, type DatasetJson, isNnunetFolder } from './nnunet.ts';
import { fileOf } from './pair.ts';
import type { JoinedFiles } from './pairing.ts';

export interface ChannelFileOptions {
  /** The folder that was listed. */
  readonly root: string;
  /** Its absolute path; default `root`. */
  readonly place?: string;
  readonly json?: DatasetJson;
  /** Number of channels of the network that the images are for. */
  readonly channels?: number;
}

const NUMBERED = /^(.+)_(\d{4})(\.[^/]+)$/;

/** More files that differ in their last number are frames rather than channels, unless labels indicate otherwise. */
const MOST_CHANNELS = 8;

/**
 * The channel files of each image, by the path that represents it: `case.tif` for `case_0000.tif` and `case_0001.tif`.
 * Found in folders named as in nnU-Net, and elsewhere if all images have the same numbers and labels are named without
 * them.
 * @param paths readable images and labels
 * @throws DatasetError naming a missing channel file.
 */
export function findChannelFiles(
  paths: readonly string[],
  { root, place = root, json, channels }: ChannelFileOptions,
): ReadonlyMap<string, JoinedFiles> {
  const isLabel = (path: string): boolean => fileOf(path).folderRole === 'label' || roleOf(stemOf(path)) === 'label';
  const labels = new Set(paths.filter(isLabel).map(stemOf));
  const byFolder = new Map<string, Map<string, Map<number, string>>>();
  const strays = new Map<string, string>();
  for (const path of paths) {
    if (isLabel(path)) continue;
    const folder = folderOf(path);
    const [, name, number, ending] = NUMBERED.exec(path) ?? [];
    if (number === undefined) strays.set(folder, path);
    else {
      const images = byFolder.get(folder) ?? new Map<string, Map<number, string>>();
      const files = images.get(`${name}${ending}`) ?? new Map<number, string>();
      byFolder.set(folder, images.set(`${name}${ending}`, files.set(Number(number), path)));
    }
  }
  const names = json?.channelNames ?? [];
  const folders = [...byFolder].map(([folder, images]) => {
    const all = [...images.values()];
    const count = 1 + Math.max(...all.flatMap((files) => [...files.keys()]));
    const known = isNnunetFolder(folder === '' ? place : folder);
    return {
      images,
      count,
      known,
      stray: strays.get(folder),
      complete: all.every(({ size }) => size === count),
      likely: channels === undefined ? count <= MOST_CHANNELS && (known || images.size > 1) : channels === count,
      // Labels named after single files indicate that these are separate images.
      own: all.some((files) => [...files.values()].some((path) => labels.has(stemOf(path)))),
      shared: [...images.keys()].some((path) => labels.has(stemOf(path))),
    };
  });
  const anyShared = folders.some(({ shared, own }) => shared && !own);
  const joined = new Map<string, JoinedFiles>();
  for (const { images, count, known, stray, complete, likely, own, shared } of folders) {
    if (count === 1 || own || (stray !== undefined && !known)) continue;
    const sure = shared || (known && names.length > 1) || (known && anyShared && complete);
    if (!sure && !(labels.size === 0 && stray === undefined && complete && likely)) continue;
    requireComplete(images, Math.max(count, names.length), names, { root, stray });
    for (const [path, files] of images) {
      joined.set(path, { kind: 'channels', files: [...files].sort(([a], [b]) => a - b).map(([, file]) => file) });
    }
  }
  return joined;
}

function requireComplete(
  images: ReadonlyMap<string, ReadonlyMap<number, string>>,
  count: number,
  names: readonly string[],
  { root, stray }: { readonly root: string; readonly stray: string | undefined },
): void {
  const refuse = (problem: string, remedy: string): never => {
    throw new DatasetError(problem, { file: root, remedy });
  };
  if (stray !== undefined) {
    refuse(
      `the image "${stray}" has no channel number at its end, unlike other images.`,
      'Name it ..._0000, and so on.',
    );
  }
  for (const files of images.values()) {
    const [[, example]] = files;
    const missing = Array.from({ length: count }, (_, c) => c).find((c) => !files.has(c));
    const fileOfChannel = (c: number): string =>
      example.replace(
        NUMBERED,
        (_all, name: string, _number: string, ending: string) => `${name}_${String(c).padStart(4, '0')}${ending}`,
      );
    if (missing !== undefined) {
      const why = names.length === count ? `${DATASET_JSON} names ${count}` : `other images have ${count}`;
      refuse(
        `the file "${fileOfChannel(missing)}" is missing: ${why} channels.`,
        'Add it, or remove the other channels of this image.',
      );
    }
    if (names.length > 0 && count > names.length) {
      refuse(
        `"${files.get(names.length)}" is one channel more than ${DATASET_JSON} names.`,
        'Name it in "channel_names", or remove it.',
      );
    }
  }
}

/**
 * Combines single-channel images into one image, in this order.
 * @throws DatasetError if they differ in size or dtype, or one has several channels.
 */
export function stackChannels(images: readonly Image[], source: string): Image {
  const [first] = images as readonly [Image];
  const described = ({ shape, axes, dtype }: Image): string =>
    `${[...axes].map((axis, i) => `${axis} ${shape[i]}`).join(', ')} of ${dtype}`;
  for (const image of images) {
    const { channels } = sizes(image);
    if (channels > 1) {
      throw new DatasetError(`the file holds ${channels} channels; expected one.`, {
        file: image.source,
        remedy: 'Save each channel to a file of its own.',
      });
    }
    if (described(image) !== described(first)) {
      throw new DatasetError(`the channel is ${described(image)}, "${first.source}" is ${described(first)}.`, {
        file: image.source,
        remedy: 'Save all channels of an image with the same size and dtype.',
      });
    }
  }
  const { times: t, slices: z, height: y, width: x } = sizes(first);
  const volume = z * y * x;
  const data = allocate(first.dtype, images.length * t * volume);
  for (const [c, image] of images.entries()) {
    for (let time = 0; time < t; time++) {
      const from = image.data.subarray(time * volume, (time + 1) * volume);
      data.set(from as never, (time * images.length + c) * volume);
    }
  }
  const plain = first.axes.replace('c', '');
  const axes = plain.startsWith('t') ? `tc${plain.slice(1)}` : `c${plain}`;
  const lengths: Readonly<Record<string, number>> = { t, c: images.length, z, y, x };
  const { channels: _, ...rest } = first;
  return { ...rest, data, axes, shape: [...axes].map((axis) => lengths[axis]), source };
}
