/** Objects of an image from maps of stars or flows. */

import { float32 } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { type Image, sizes } from '../image/image.ts';
import { inverseMap, reorient } from '../image/orient.ts';
import type { ChannelChoice } from '../input/channels.ts';
import { inputNotes, inputPages } from '../input/network-input.ts';
import { flowObjects } from '../objects/flows/flow-objects.ts';
import { starObjects } from '../objects/stars/star-objects.ts';
import { lacksNuclei, type MapModel, predictMaps } from './map-model.ts';
import { onGridOf, withoutChannels } from './output.ts';
import type { PredictOptions } from './predict.ts';

export interface MapObjectsOptions extends Pick<PredictOptions, 'tile' | 'batch' | 'signal'> {
  readonly channel?: ChannelChoice;
  /** Pixels that are more probable belong to objects, or propose one: 0..1. Default: as its package says, or 0.5. */
  readonly threshold?: number;
  /** Stars: as `StarOptions.overlap`. Default: as its package says, or that of `starObjects`. */
  readonly overlap?: number;
  /** Flows: as `FlowOptions.flowError`. Default: as its package says, or that of `flowObjects`. */
  readonly flowError?: number;
}

export interface MapObjects {
  /** 0 = background, 1.. = objects, numbered on from slice to slice; uint32 if there are more than 65,535. */
  readonly labels: Image<'uint16' | 'uint32'>;
  readonly count: number;
  readonly notes: readonly string[];
}

/**
 * The objects of an image, each slice by itself.
 * @throws UsageError for an option of the other kind of maps; as `predictMaps`
 */
export async function mapObjects(model: MapModel, image: Image, options: MapObjectsOptions = {}): Promise<MapObjects> {
  requireOwn(model, options);
  const { pages, upright, map } = inputPages(image, { channel: options.channel });
  const { height, width } = sizes(upright);
  const all = new Int32Array(pages.length * height * width);
  const notes = new Set<string>();
  let count = 0;
  for (const [i, page] of pages.entries()) {
    const [part] = model.parts;
    if (lacksNuclei(model.kind, page, part)) notes.add('The image has one channel: that of nuclei is left empty.');
    else for (const note of inputNotes(image, page, part.input)) notes.add(note);
    const found = decoded(model, await predictMaps(model, page, options), [height, width], options);
    const start = i * height * width;
    for (let p = 0; p < found.labels.data.length; p++) {
      const label = found.labels.data[p];
      if (label > 0) all[start + p] = label + count;
    }
    count += found.count;
  }
  if (pages.length > 1) notes.add('Objects are those of each slice by itself.');
  // Turned back to how the slices lie in the file.
  const numbered = onGridOf(upright, 'int32', ['objects'], all);
  const data = (map === undefined ? numbered : reorient(numbered, inverseMap(map))).data;
  const values =
    count > 65_535
      ? ({ dtype: 'uint32', data: Uint32Array.from(data as Int32Array) } as const)
      : ({ dtype: 'uint16', data: Uint16Array.from(data as Int32Array) } as const);
  const labels = { ...withoutChannels(onGridOf(image, 'int32', ['objects'], all)), ...values };
  return { labels: { ...labels, labelKind: 'objects' }, count, notes: [...notes] };
}

function requireOwn({ kind }: MapModel, { overlap, flowError }: MapObjectsOptions): void {
  const other = kind === 'star' ? flowError : overlap;
  if (other === undefined) return;
  throw new UsageError(`${kind === 'star' ? 'A flow error' : 'An overlap'} is not for maps of ${kind}.`, {
    remedy: 'Remove it.',
  });
}

function decoded(
  { kind, grid, settings }: MapModel,
  { shape, data }: Awaited<ReturnType<typeof predictMaps>>,
  size: readonly [height: number, width: number],
  options: MapObjectsOptions,
) {
  const { margin, minSize } = settings;
  const { threshold = settings.threshold ?? 0.5, overlap = settings.overlap, flowError = settings.flowError } = options;
  const [channels, rows, columns] = shape as readonly [number, number, number];
  const plane = rows * columns;
  if (kind === 'star') {
    const probability = float32([rows, columns], data.subarray(0, plane));
    const rays = settings.rays ?? channels - 1;
    const distances = float32([rays, rows, columns], data.subarray(plane, (1 + rays) * plane));
    return starObjects({ probability, distances }, { threshold, overlap, margin, grid, shape: size });
  }
  const flows = float32([2, rows, columns], data.subarray(0, 2 * plane));
  const cell = float32([rows, columns], data.subarray(2 * plane));
  return flowObjects({ flows, cell }, { threshold: Math.log(threshold / (1 - threshold)), flowError, minSize });
}
