/** OME-Zarr 0.4 and 0.5. */

import { elementCount } from '../../../array/ndarray.ts';
import { FormatError } from '../../../errors.ts';
import { joinPath } from '../../../files.ts';
import type { Image, ImageLevel } from '../../image.ts';
import { type ImageInfo, type ImageSource, type Region, regionImage, regionOf } from '../../source.ts';
import { ZarrLevel } from './level.ts';
import { parseArray, readNode } from './metadata.ts';
import { explainMissing } from './missing.ts';
import { type OmeAxis, type OmeLevel, parseImage, spacingsOf } from './ome.ts';
import type { ZarrStore } from './store.ts';

export interface OpenZarrOptions {
  /** The group of the image within the store; default '': the store is one image. */
  readonly path?: string;
  /** Largest region to allocate, in bytes. */
  readonly maxBytes: number;
}

/**
 * Opens an image of a store. Only metadata are read.
 * @throws FormatError if there is no image, or its metadata contradict themselves or its arrays
 */
export async function openZarrImage(store: ZarrStore, { path = '', maxBytes }: OpenZarrOptions): Promise<ImageSource> {
  const file = joinPath(store.name, path);
  const node = await readNode(store, path);
  if (node === undefined) throw new FormatError('there is no Zarr store here.', { file, remedy: 'Check the path.' });
  const ome = parseImage(node, store);
  const { axes, channels, isLabel } = ome;
  const opened: ZarrLevel[] = [];
  for (const level of ome.levels) opened.push(await openLevel(store, level, axes, opened[0]));
  const [full] = opened;
  const letters = full.order.map((axis) => axes[axis].letter).join('');
  const { dtype } = full.array;
  const levels = opened.map(
    (level, n): ImageLevel => ({ shape: level.shape, spacing: spacingsOf(axes, ome.levels[n]) }),
  );
  const count = letters.includes('c') ? full.shape[letters.indexOf('c')] : 1;
  const notes = [...ome.notes, ...contradictions(letters, opened, ome.levels)];
  const info: ImageInfo = {
    dtype: dtype === 'bool' ? 'uint8' : dtype,
    axes: letters,
    ...levels[0],
    ...(dtype === 'bool' ? { bitDepth: 1 } : {}),
    ...(channels?.length === count ? { channels } : {}),
    ...(levels.length > 1 ? { levels } : {}),
    ...(ome.labelKind === undefined ? {} : { labelKind: ome.labelKind }),
    ...(ome.valueUnit === undefined ? {} : { valueUnit: ome.valueUnit }),
    ...(notes.length > 0 ? { notes } : {}),
    source: file,
  };
  return {
    info,
    levels,
    chunk: full.order.map((axis) => full.array.chunkShape[axis]),
    async read(level = 0, region?: Region): Promise<Image> {
      const box = regionOf({ info, levels, maxBytes }, level, region);
      const { data, missing, files } = await opened[level].read(box);
      const unstored =
        missing.length === 0 ? [] : [await explainMissing(opened, level, missing, files, { mayBeEmpty: isLabel })];
      const all = [...notes, ...unstored];
      return { ...regionImage({ info, levels }, level, box, data), ...(all.length > 0 ? { notes: all } : {}) };
    },
    close: () => store.close(),
  };
}

async function openLevel(
  store: ZarrStore,
  level: OmeLevel,
  axes: readonly OmeAxis[],
  full: ZarrLevel | undefined,
): Promise<ZarrLevel> {
  const file = joinPath(store.name, level.path);
  const wrong = (problem: string, remedy = 'Write the store again.'): FormatError =>
    new FormatError(problem, { file, remedy });
  const node = await readNode(store, level.path);
  if (node?.array === undefined) {
    throw wrong('the image lists this array, but it is not there.', 'Copy the store again.');
  }
  const array = parseArray(node, store);
  const { shape, dtype } = array;
  if (shape.length !== axes.length) throw wrong(`the array has ${shape.length} axes, its image ${axes.length}.`);
  if (full !== undefined && full.array.dtype !== dtype) {
    throw wrong(`the array has values of type ${dtype}, the full resolution ${full.array.dtype}.`);
  }
  const opened = new ZarrLevel(array, store, full?.order ?? orderOf(axes, shape));
  const kept = elementCount(opened.shape);
  if (kept < elementCount(shape) || (full !== undefined && kept > elementCount(full.shape))) {
    throw wrong(`the array is ${shape.join(' x ')}, larger than the full resolution.`);
  }
  return opened;
}

/** The axes of the image as indices of the array's: those of the product in its order, without t, c and z of length 1. */
function orderOf(axes: readonly OmeAxis[], shape: readonly number[]): readonly number[] {
  return [...'tczyx'].flatMap((letter) => {
    const axis = axes.findIndex((one) => one.letter === letter);
    return axis < 0 || (shape[axis] === 1 && letter !== 'y' && letter !== 'x') ? [] : [axis];
  });
}

/**
 * Levels whose pixel size contradicts their number of pixels by more than one of them: writers round sizes up or down,
 * level after level.
 */
function contradictions(letters: string, opened: readonly ZarrLevel[], levels: readonly OmeLevel[]): readonly string[] {
  const [full] = opened;
  return opened.flatMap(({ order, shape }, n) =>
    order.flatMap((axis, i) => {
      if (!'zyx'.includes(letters[i])) return [];
      const step = levels[n].scale[axis];
      const extent = full.shape[i] * levels[0].scale[axis];
      if (Math.abs(shape[i] * step - extent) <= step * 1.001) return [];
      return [
        `Level ${n} states a step of ${step} along ${letters[i]}, but its ${shape[i]} pixels cover ${extent}: one of them is wrong.`,
      ];
    }),
  );
}
