/** How objects are told apart, chosen on held-out images. */

import { MAP_THRESHOLDS } from '../../evaluate/map-scorer.ts';
import { ObjectScorer } from '../../evaluate/objects.ts';
import { type TuningImage, tuneSeparation } from '../../metrics/tune-separation.ts';
import { decodeMaps, USUAL_THRESHOLD } from '../../objects/decode-maps.ts';
import { type SeparationSettings, separateObjects } from '../../objects/instances.ts';
import type { MapKind, MapSeparation } from '../../objects/object-maps.ts';
import type { Choose, HeldOutImage } from './choose.ts';

/** Number of images on which settings are tuned, evenly spread, as in training; more take longer and change little. */
const TUNED_ON = 16;

/** The AP at IoU 0.5 of one image of a network that predicts borders. */
export interface TunedImage extends HeldOutImage<SeparationSettings> {
  readonly image: TuningImage;
}

/** @param image kept for tuning */
export function separatedImage(
  image: TuningImage,
  { fold, unit }: Pick<HeldOutImage<unknown>, 'fold' | 'unit'>,
): TunedImage {
  const { maps, truth, ignore } = image;
  return {
    fold,
    unit,
    image,
    score: (settings) =>
      new ObjectScorer().add(truth, separateObjects(maps, settings ?? { by: 'border' }).labels, { ignore }),
  };
}

/** The settings that are best on some of the images. */
export const chooseSeparation: Choose<SeparationSettings> = (some) => {
  const every = Math.max(1, Math.ceil(some.length / TUNED_ON));
  const images = (some as readonly TunedImage[]).filter((_, i) => i % every === 0).map(({ image }) => image);
  return images.length === 0 ? undefined : tuneSeparation(images, 'border').settings;
};

/** The AP at IoU 0.5 of one image of a network that gives stars or flows, at each threshold. */
export function decodedImage(
  by: MapKind,
  maps: Parameters<typeof decodeMaps>[1],
  truth: TuningImage['truth'],
  mask: Pick<TuningImage, 'ignore'>,
  { fold, unit }: Pick<HeldOutImage<unknown>, 'fold' | 'unit'>,
): HeldOutImage<MapSeparation> {
  const scoreAt = (threshold: number): number =>
    new ObjectScorer().add(truth, decodeMaps(by, maps, { threshold }).labels, mask);
  const scores = new Map([...MAP_THRESHOLDS[by], USUAL_THRESHOLD].map((threshold) => [threshold, scoreAt(threshold)]));
  return { fold, unit, score: (choice) => scores.get(choice?.threshold ?? USUAL_THRESHOLD) as number };
}

/** The threshold with the best mean. */
export const chooseThreshold =
  (by: MapKind): Choose<MapSeparation> =>
  (some) => {
    const sum = (choice: MapSeparation | undefined): number =>
      some.reduce((all, image) => all + image.score(choice), 0);
    const tried = MAP_THRESHOLDS[by].map((threshold) => ({ by, threshold }));
    const best = tried.reduce((a, b) => (sum(b) > sum(a) ? b : a));
    return sum(best) > sum(undefined) ? best : undefined;
  };
