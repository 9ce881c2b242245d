/** What is to be measured: label maps, the images that they are of, and the truth. */

import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { folderOf } from '../../dataset/discover/names.ts';
import { alignLabels } from '../../dataset/labels/align.ts';
import { findMapping, type LabelPage, labelPages } from '../../dataset/labels/labels.ts';
import { DatasetError, UsageError } from '../../errors.ts';
import { dropAlpha, isGreyInColour, toGrey } from '../../image/convert.ts';
import { extent, type Image, type Spacing } from '../../image/image.ts';
import type { ImageNotes } from '../../image/notes.ts';
import { pagesOf } from '../../input/planes.ts';
import { connectedComponents } from '../../objects/connected-components.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import type { Facts } from '../../report/run/data.ts';
import { type ListedImage, listImages, listLabels, readListedImage } from '../../workflows/image-list.ts';
import { MEASURES_FOLDER, type PredictionFile, readPredictionFile } from '../../workflows/prediction-file.ts';
import { shortNames } from '../../workflows/report-facts.ts';
import type { MeasureFlags } from '../commands/measure.ts';

/** One label map with what belongs to it. */
export interface MeasureItem {
  readonly name: string;
  /** Its folder; empty where all share one. */
  readonly group: string;
  readonly labels: ListedImage;
  readonly image?: ListedImage;
  readonly truth?: ListedImage;
}

export interface MeasureInputs {
  readonly items: readonly MeasureItem[];
  /** Where results go when nothing is said. */
  readonly out: string;
  /** The folder or file of the label maps. */
  readonly labels: string;
  readonly prediction?: PredictionFile;
  /** Where it is known what the values are. */
  readonly kind?: 'objects';
  /** What could not be had, a sentence each. */
  readonly notes: readonly string[];
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** Of a folder that `predict` wrote its label maps, the separate objects first; of anything else itself. */
async function labelsOf(path: string, parts: readonly string[]): Promise<string> {
  for (const part of parts) if (await isFolder(join(path, part))) return join(path, part);
  return path;
}

/** Finds what has the name of a label map, or alone ends in it: of `control/a` the label map may be `a`. */
function finder(listed: readonly ListedImage[]): (name: string) => ListedImage | undefined {
  const exact = new Map(listed.map((item) => [item.name, item]));
  return (name) => {
    const own = exact.get(name);
    if (own !== undefined) return own;
    const ends = listed.filter((item) => item.name.endsWith(`/${name}`) || name.endsWith(`/${item.name}`));
    return ends.length === 1 ? ends[0] : undefined;
  };
}

/**
 * Finds label maps, images and truth by their names.
 * @throws DatasetError when there are no label maps, or none of the images or of the truth asked for fits them.
 */
export async function measureInputs(
  path: string,
  { images, truth, task }: Pick<MeasureFlags, 'images' | 'truth' | 'task'>,
): Promise<MeasureInputs> {
  const prediction = await readPredictionFile(nodeFiles, path);
  const labels = await labelsOf(path, task === 'lungs' ? ['label'] : ['objects', 'label']);
  const maps = await listLabels(nodeFiles, labels);
  const notes: string[] = [];
  const imagePath = images ?? prediction?.images ?? (labels === path && (await isFolder(path)) ? path : undefined);
  let pictureOf: (name: string) => ListedImage | undefined = () => undefined;
  if (imagePath !== undefined) {
    try {
      const listed = await listImages(nodeFiles, imagePath);
      const isMap = new Set(maps.map((item) => item.path));
      const others = listed.filter((item) => !isMap.has(item.path));
      pictureOf = others.length === 1 && maps.length === 1 ? () => others[0] : finder(others);
    } catch (cause) {
      if (images !== undefined || !(cause instanceof DatasetError)) throw cause;
      notes.push(`The images are not where they were predicted from (${imagePath}): give --images.`);
    }
  }
  const truths = truth === undefined ? undefined : await listLabels(nodeFiles, truth);
  const truthOf = truths === undefined ? undefined : finder(truths);
  const alone = truths?.length === 1 && maps.length === 1 ? truths[0] : undefined;
  const short = shortNames(maps.map(({ name }) => name));
  const items = maps.map((map, i): MeasureItem => {
    const name = short[i] as string;
    const image = pictureOf(map.name);
    const own = alone ?? truthOf?.(map.name);
    return {
      name,
      group: folderOf(name),
      labels: map,
      image,
      truth: own,
    };
  });
  requireSome(items, images, 'image');
  requireSome(items, truth, 'truth');
  const without = items.filter(({ image }) => image === undefined).length;
  if (without > 0 && notes.length === 0) {
    notes.push(
      without === items.length
        ? 'There are no images beside the label maps: nothing is said of intensity. Give --images.'
        : `${without} of ${items.length} label maps have no image of their name: nothing is said of their intensity.`,
    );
  }
  const untrue = truth === undefined ? 0 : items.filter((item) => item.truth === undefined).length;
  if (untrue > 0) notes.push(`${untrue} of ${items.length} label maps have no truth of their name.`);
  const own = prediction !== undefined || labels !== path;
  return {
    items,
    labels,
    notes,
    out: own ? join(path, MEASURES_FOLDER) : `${path.replace(/[/\\]+$/, '')}-${MEASURES_FOLDER}`,
    prediction,
    ...(labels === join(path, 'objects') ? { kind: 'objects' as const } : {}),
  };
}

function requireSome(items: readonly MeasureItem[], asked: string | undefined, which: 'image' | 'truth'): void {
  if (asked === undefined || items.some((item) => item[which] !== undefined)) return;
  throw new DatasetError(`nothing here has the name of a label map, such as "${items[0]?.name}".`, {
    file: asked,
    remedy: 'Name the files alike.',
  });
}

/** A label map as it was read, and its image turned onto the same grid. */
export interface ReadItem {
  readonly map: Image;
  readonly image?: Image;
  readonly truth?: Image;
}

/** @throws FormatError, DatasetError naming the file that cannot be read or does not fit. */
export async function readItem({ labels, image, truth }: MeasureItem, flags: MeasureFlags): Promise<ReadItem> {
  const picture = image === undefined ? undefined : simplest(await readListedImage(nodeFiles, image));
  const onto = (map: Image, like: Image | undefined): Image => (like === undefined ? map : alignLabels(map, like));
  const read = onto(await readListedImage(nodeFiles, labels, { palette: 'index' }), picture);
  requireSameGrid(read, picture);
  const map = withPixelSize(read, picture, flags);
  const own =
    truth === undefined
      ? undefined
      : onto(await readListedImage(nodeFiles, truth, { palette: 'index' }), picture ?? map);
  requireSameGrid(map, own);
  return { map, image: picture, truth: own };
}

/** Remembers what the readers noted of an item, so that it is said with the results. */
export function noteItem(notes: ImageNotes, { labels, image }: MeasureItem, read: ReadItem): void {
  notes.add({ ...read.map, source: basename(labels.path) });
  if (image !== undefined && read.image !== undefined) notes.add({ ...read.image, source: basename(image.path) });
}

/** Without alpha, and grey where it is grey in colour. */
function simplest(image: Image): Image {
  const opaque = dropAlpha(image);
  return isGreyInColour(opaque) ? toGrey(opaque) : opaque;
}

function requireSameGrid(map: Image, other: Image | undefined): void {
  if (other === undefined || [...'tzyx'].every((axis) => extent(map, axis) === extent(other, axis))) return;
  const size = (image: Image): string =>
    [...'xyzt']
      .map((axis) => extent(image, axis))
      .filter((n, i) => i < 2 || n > 1)
      .join(' x ');
  throw new DatasetError(`the label map is ${size(map)}, "${other.source}" is ${size(other)}.`, {
    file: map.source,
    remedy: 'Give label maps of the size of the images.',
  });
}

/** The label map with the pixel size that was given, else its own, else that of the image. */
function withPixelSize(map: Image, image: Image | undefined, { spacing, unit, task }: MeasureFlags): Image {
  if (spacing === undefined) {
    if (unit !== undefined) throw new UsageError('--unit says nothing without --spacing.', { remedy: 'Give both.' });
    const own = map.spacing.x === undefined ? image : map;
    return { ...map, spacing: own?.spacing ?? {}, ...(own?.geometry === undefined ? {} : { geometry: own.geometry }) };
  }
  const measured = unit ?? (task === 'lungs' ? 'mm' : undefined);
  if (measured === undefined)
    throw new UsageError('--spacing has no unit.', { remedy: 'Give --unit too, such as µm.' });
  const named = (value: number): Spacing => ({ value, unit: measured });
  const [z, y, x] = spacing;
  if (z === undefined && extent(map, 'z') > 1) {
    throw new DatasetError('this is a volume, and --spacing has no distance of its slices.', {
      file: map.source,
      remedy: 'Give three numbers: z,y,x.',
    });
  }
  const { t } = map.spacing;
  const { slicePositionsMm, ...geometry } = map.geometry ?? image?.geometry ?? {};
  return {
    ...map,
    // Where slices lie is told by the distance that was given.
    ...('direction' in geometry
      ? {
          geometry:
            (z === undefined || extent(map, 'z') === 1) && slicePositionsMm !== undefined
              ? { ...geometry, slicePositionsMm }
              : geometry,
        }
      : {}),
    spacing: {
      t,
      x: named(x),
      y: named(y),
      ...(z === undefined || extent(map, 'z') === 1 ? {} : { z: named(z) }),
    },
  };
}

/** Pixel size in the order of the axes of a label map; undefined where it is not known. */
export function pixelSize(map: Image): { readonly spacing: readonly number[]; readonly unit: string } | undefined {
  const axes = extent(map, 'z') > 1 ? (['z', 'y', 'x'] as const) : (['y', 'x'] as const);
  const found = axes.map((axis) => map.spacing[axis]);
  const unit = found.at(-1)?.unit;
  if (unit === undefined) return undefined;
  const odd = axes.find((_, k) => found[k]?.unit !== unit);
  if (odd !== undefined) {
    const has = map.spacing[odd];
    throw new DatasetError(
      `the pixel size is ${found.at(-1)?.value} ${unit} along x and ${has === undefined ? 'not known' : `${has.value} ${has.unit}`} along ${odd}.`,
      { file: map.source, remedy: 'Give --spacing and --unit.' },
    );
  }
  return { spacing: found.map((step) => (step as Spacing).value), unit };
}

/** Label maps looked at to see what their values are. */
const LOOKED_AT = 6;

/**
 * Whether values are objects or classes, by the first label maps that can be read.
 * @throws DatasetError when none can.
 */
export async function kindOfLabels(
  items: readonly Pick<MeasureItem, 'labels'>[],
  asked: MeasureFlags['labels'],
): Promise<'objects' | 'classes'> {
  if (asked !== 'auto') return asked;
  const pages: LabelPage[] = [];
  for (const { labels } of items.slice(0, LOOKED_AT)) {
    try {
      pages.push(...labelPages(await readListedImage(nodeFiles, labels, { palette: 'index' })));
    } catch (cause) {
      // Said when it is measured.
      if (!(cause instanceof Error)) throw cause;
    }
  }
  const values = new Set(pages.flatMap((page) => [...new Set(page.values)]));
  if (values.size <= 2) return 'classes';
  return findMapping(pages).kind === 'instances' ? 'objects' : 'classes';
}

/** Label maps as separate objects. */
export function asObjects(labels: IntegerArray, kind: 'objects' | 'classes'): IntegerArray {
  return kind === 'objects' ? labels : connectedComponents(labels, { by: 'value' }).labels;
}

/** Channels of the image at one slice, each [h, w] of float32. */
export function planesAt(image: Image, page: number): readonly Float32Array[] {
  const found = pagesOf(image)[page];
  if (found === undefined) return [];
  const pixels = found.height * found.width;
  return Array.from({ length: found.channels }, (_, c) =>
    Float32Array.from(found.data.subarray(c * pixels, (c + 1) * pixels) as ArrayLike<number>),
  );
}

/** `folder/name` as the page calls it. */
export function titleOf(path: string): string {
  return basename(path.replace(/[/\\]+$/, '')) || path;
}

/** What was measured, for the page. */
export function factsOf(
  { labels, prediction }: MeasureInputs,
  { images = prediction?.images, truth }: Pick<MeasureFlags, 'images' | 'truth'>,
): Facts {
  return [
    ['Label maps', labels],
    ...(images === undefined ? [] : ([['Images', images]] as const)),
    ...(prediction === undefined ? [] : ([['Model', prediction.models.join(', ')]] as const)),
    ...(truth === undefined ? [] : ([['Truth', truth]] as const)),
  ];
}
