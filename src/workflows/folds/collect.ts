/** What is kept of held-out predictions, by how they are scored, and what is chosen on them. */

import { type NdArray, ndarray } from '../../array/ndarray.ts';
import { backgroundOf, type LabelMapping } from '../../dataset/labels/labels.ts';
import type { RawPage } from '../../dataset/raw.ts';
import { ignoreMask } from '../../evaluate/ignore-mask.ts';
import { type PageMetric, scorerFor } from '../../evaluate/scorer.ts';
import { argmaxClasses } from '../../metrics/argmax.ts';
import { MEMBRANE_SCORES, OBJECT_SCORES, OVERLAP_TOTALS } from '../../metrics/scores.ts';
import type { ModelMetadata } from '../../models/metadata.ts';
import { labelGrid } from '../../objects/grid.ts';
import type { MapKind, MapSeparation } from '../../objects/object-maps.ts';
import { objectMaps } from '../../predict/objects.ts';
import { type ChosenByFolds, chooseByFolds, type HeldOutImage } from './choose.ts';
import { type ClassMap, chooseCleaning, medianParts, scoredMap } from './clean.ts';
import { chooseSeparation, chooseThreshold, decodedImage, separatedImage, type TunedImage } from './separate.ts';

/** Scores of held-out images, and what was chosen on them. */
export interface Found extends Pick<ModelMetadata, 'separation' | 'cleaning'> {
  /** `Dice`, `AP at IoU 0.5`, `V-Rand`. */
  readonly metric: string;
  readonly scores: Omit<ChosenByFolds<unknown>, 'choice'>;
  /** Whether there was something to choose. */
  readonly chooses: boolean;
}

export type Place = Pick<HeldOutImage<unknown>, 'fold' | 'unit'>;

export interface PredictedSlice {
  readonly page: RawPage;
  /** Class of each pixel, `IGNORE` if it is not scored. */
  readonly truth: Uint8Array;
  /** float32 [classes, h, w], or the maps that a network gives instead of classes. */
  readonly probabilities: NdArray<'float32'>;
}

/** Receives one image, or all slices of one volume, after another. */
export interface Collector {
  add(place: Place, slices: readonly [PredictedSlice, ...PredictedSlice[]], isVolume: boolean): void;
  result(): Found;
}

export function collectorFor(metric: PageMetric, labels: LabelMapping): Collector {
  if (metric.kind === 'dice') return classMaps(metric, labels);
  if (metric.kind === 'v-rand') return membranes(metric);
  return metric.by === undefined ? borders(labels) : decodedMaps(metric.by);
}

function classMaps({ leaveOut = [0] }: PageMetric & { readonly kind: 'dice' }, labels: LabelMapping): Collector {
  const maps: ClassMap[] = [];
  return {
    add(place, slices, isVolume) {
      const [{ page }] = slices;
      const shape = isVolume ? [slices.length, page.height, page.width] : [page.height, page.width];
      const size = page.height * page.width;
      const truth = new Uint8Array(slices.length * size);
      const found = new Uint8Array(slices.length * size);
      for (const [z, slice] of slices.entries()) {
        truth.set(slice.truth, z * size);
        found.set(argmaxClasses(slice.probabilities).data, z * size);
      }
      maps.push({ ...place, shape, truth, found });
    },
    result() {
      const [background] = backgroundOf(labels);
      const classes = labels.classes.length;
      const options = { classes, leaveOut, background: background ?? 0 };
      // Without a background there is nothing that pixels could become.
      const chooses = background !== undefined;
      const { choice, ...scores } = chooseByFolds(
        maps.map((map) => scoredMap(map, options)),
        chooses ? chooseCleaning(medianParts(maps, classes), options) : () => undefined,
      );
      return { metric: OVERLAP_TOTALS.meanDice.main, scores, chooses, ...(choice && { cleaning: choice }) };
    },
  };
}

/** Thresholds are part of this score, so nothing is chosen. */
function membranes(metric: PageMetric): Collector {
  const images: HeldOutImage<never>[] = [];
  return {
    add(place, [{ page, truth, probabilities }]) {
      const { name, height, width } = page;
      const scorer = scorerFor(metric, []);
      scorer.add({ page: { name, height, width, label: truth }, probabilities });
      const { score } = scorer.result();
      images.push({ ...place, score: () => score });
    },
    result() {
      const { choice: _, ...scores } = chooseByFolds(images, () => undefined);
      return { metric: MEMBRANE_SCORES.vRandThinned.main, scores, chooses: false };
    },
  };
}

const AP = OBJECT_SCORES.averagePrecision.main;

/** Objects and their borders. */
function borders({ classes }: LabelMapping): Collector {
  const images: TunedImage[] = [];
  const channels = classes.map(({ name }) => name);
  return {
    add(place, [{ page, truth, probabilities }]) {
      const shape = [page.height, page.width];
      const size = page.height * page.width;
      // As prediction finds them, in steps of 1/65535.
      const { data } = objectMaps({ ...probabilities, axes: 'cyx', spacing: {}, channels });
      const map = (i: number): NdArray<'uint16'> => ndarray('uint16', shape, data.subarray(i * size, (i + 1) * size));
      const maps = { foreground: map(0), border: map(1) };
      const objects = labelGrid(page.label.values, shape);
      images.push(separatedImage({ maps, truth: objects, ...ignoreMask(truth, shape) }, place));
    },
    result() {
      const { choice, ...scores } = chooseByFolds(images, chooseSeparation);
      return { metric: AP, scores, chooses: true, ...(choice && { separation: { ...choice } }) };
    },
  };
}

/** Stars and flows. */
function decodedMaps(by: MapKind): Collector {
  const images: HeldOutImage<MapSeparation>[] = [];
  return {
    add(place, [{ page, truth, probabilities }]) {
      const shape = [page.height, page.width];
      const objects = labelGrid(page.label.values, shape);
      images.push(decodedImage(by, probabilities, objects, ignoreMask(truth, shape), place));
    },
    result() {
      const { choice, ...scores } = chooseByFolds(images, chooseThreshold(by));
      return { metric: AP, scores, chooses: true, ...(choice && { separation: { ...choice } }) };
    },
  };
}
