/** What networks of stars or flows learn of patches. */

import { cutBox } from '../array/cut-box.ts';
import { stream } from '../array/random.ts';
import { patchPosition, type TrainingPage, type TrainingSet } from '../dataset/patch-position.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import { labelGrid } from '../objects/grid.ts';
import { mapTargets } from '../objects/map-targets.ts';
import { mapChannels, type ObjectMaps } from '../objects/object-maps.ts';
import { type Batch, makeBatch } from './batch.ts';
import { drawGeometry, type WarpGeometry, widerCoordinates } from './field.ts';
import { sampleLabels } from './resample.ts';
import type { SampleOptions } from './sample.ts';

/** Where a patch lies, and how it is turned and bent. */
interface PatchPlace {
  readonly geometry: WarpGeometry;
  readonly patch: readonly [number, number];
  readonly centre: readonly [number, number];
  /** Pixels on each side by which the output of the network is smaller. */
  readonly outputMargin: number;
}

/**
 * The targets of a patch, float32 [channels, height - 2 margin, width - 2 margin]: made of its label map after this was
 * turned and bent, so that directions and distances are those of the turned image. Objects that reach out of the patch
 * count as far as `contextPx`; parts of one that lie apart count each by itself.
 */
export function patchTargets(
  page: Pick<TrainingPage, 'objects' | 'height' | 'width' | 'name'>,
  { geometry, patch, centre, outputMargin }: PatchPlace,
  maps: ObjectMaps,
): Float32Array {
  const { contextPx: context } = maps;
  const [rows, columns] = [patch[0] + 2 * context, patch[1] + 2 * context] as const;
  const labels = new Int32Array(rows * columns);
  const { objects = new Int32Array(page.height * page.width) } = page;
  sampleLabels(objects, [page.height, page.width], widerCoordinates(geometry, patch, centre, context), labels);
  // Beyond its border a page is mirrored: what lies apart there is another object.
  const apart = connectedComponents(labelGrid(labels, [rows, columns]), { by: 'value' }).labels;
  const whole = mapTargets(apart, maps).data;
  const [height, width] = [patch[0] - 2 * outputMargin, patch[1] - 2 * outputMargin];
  const before = context + outputMargin;
  return cutBox(whole, mapChannels(maps), { height: rows, width: columns }, { y: before, x: before, height, width });
}

/** The batch of a step with its targets: of each sample at its place, and changed as its image was. */
export function makeMapBatch(
  set: TrainingSet,
  step: number,
  options: SampleOptions & { readonly maps: ObjectMaps },
): Batch {
  const { seed, patch, outputMargin, augment, maps, batch } = options;
  const parts = Array.from({ length: batch }, (_, index) => {
    const { page, centre } = patchPosition(set, step, index, options);
    // The geometry is what makeSample draws first from this stream.
    const geometry = drawGeometry(stream(seed, 'augment', step, index), patch, augment);
    return patchTargets(page, { geometry, patch, centre, outputMargin }, maps);
  });
  const targets = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  for (const [index, part] of parts.entries()) targets.set(part, index * part.length);
  return { ...makeBatch(set, step, options), targets };
}
