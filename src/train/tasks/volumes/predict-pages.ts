/** Pages predicted as slices of their volumes. */

import type { NdArray } from '../../../array/ndarray.ts';
import type { RawPage } from '../../../dataset/raw.ts';
import { prepareInput } from '../../../input/network-input.ts';
import type { SegmentationModel } from '../../../predict/model.ts';
import { predictPage } from '../../../predict/predict.ts';
import { predictVolume, takesVolumes, type VolumeOptions } from '../../../predict/volume.ts';
import type { PreparedPage } from '../../../predict/window.ts';
import { volumeOf, volumesIn } from './prepare.ts';

/**
 * Predicts single pages: by a network of images each by itself, by one of volumes as in its whole volume, of which the
 * slices that are wanted are computed together, with those around that the network sees. Ask volume by volume: only one is
 * kept.
 * @param all the pages that volumes are made of
 * @param wanted those that will be asked for
 */
export function pagesOfVolumes(
  model: SegmentationModel,
  all: readonly RawPage[],
  wanted: readonly RawPage[],
  options: Pick<VolumeOptions, 'tta' | 'signal'> = {},
): (page: RawPage) => Promise<NdArray<'float32'>> {
  if (!takesVolumes(model)) return (page) => predictPage(model, page, options);
  const volumes = volumesIn(all);
  const asked = volumesIn(wanted);
  let kept:
    | { readonly volume: string; readonly first: number; readonly slices: readonly NdArray<'float32'>[] }
    | undefined;
  return async (page) => {
    const volume = volumeOf(page);
    if (kept?.volume !== volume) {
      const slices = volumes.get(volume) as readonly RawPage[];
      const numbers = (asked.get(volume) ?? [page]).map((own) => slices.findIndex(({ page: at }) => at === own.page));
      const { halo, multiple } = model.rule.z;
      // Where the tiles of the whole volume begin, too, so that these slices are as in it.
      const first = Math.floor(Math.max(0, Math.min(...numbers) - halo) / multiple) * multiple;
      const part = slices.slice(first, Math.max(...numbers) + halo + 1).map((slice) => {
        const { name, height, width } = slice;
        return { name, height, width, planes: prepareInput(slice, model.input) };
      });
      kept = { volume, first, slices: await predictVolume(model, part as unknown as [PreparedPage], options) };
    }
    const slices = volumes.get(volume) as readonly RawPage[];
    return kept.slices[slices.findIndex(({ page: at }) => at === page.page) - kept.first] as NdArray<'float32'>;
  };
}
