/** Objects of an image from maps of stars or flows. */

import { type Image, sizes } from '../image/image.ts';
import { inverseMap, reorient } from '../image/orient.ts';
import type { ChannelChoice } from '../input/channels.ts';
import { inputNotes, inputPages } from '../input/network-input.ts';
import { type DecodeOptions, decodeMaps } from '../objects/decode-maps.ts';
import { lacksNuclei, type MapModel, predictMaps } from './map-model.ts';
import { onGridOf, withoutChannels } from './output.ts';
import type { PredictOptions } from './predict.ts';

export interface MapObjectsOptions
  extends Pick<PredictOptions, 'tile' | 'batch' | 'signal'>,
    Pick<DecodeOptions, 'threshold' | 'overlap' | 'flowError'> {
  readonly channel?: ChannelChoice;
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
  const { pages, upright, map } = inputPages(image, { channel: options.channel });
  const { height, width } = sizes(upright);
  const all = new Int32Array(pages.length * height * width);
  const notes = new Set<string>();
  let count = 0;
  const settings = settingsOf(model, options);
  for (const [i, page] of pages.entries()) {
    const [part] = model.parts;
    if (lacksNuclei(model.kind, page, part)) notes.add('The image has one channel: that of nuclei is left empty.');
    else for (const note of inputNotes(image, page, part.input)) notes.add(note);
    const maps = await predictMaps(model, page, options);
    const found = decodeMaps(model.kind, maps, { ...settings, grid: model.grid, shape: [height, width] });
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

/** What is set, else as the model says. */
function settingsOf({ settings }: MapModel, { threshold, overlap, flowError }: MapObjectsOptions): DecodeOptions {
  return {
    ...settings,
    threshold: threshold ?? settings.threshold,
    overlap: overlap ?? settings.overlap,
    flowError: flowError ?? settings.flowError,
  };
}
