/** How a report shows the objects of a network that gives stars or flows. */

import type { NdArray } from '../array/ndarray.ts';
import { option, UsageError } from '../errors.ts';
import { decodeMaps } from '../objects/decode-maps.ts';
import type { MapKind } from '../objects/object-maps.ts';
import type { TestTimeAugmentation } from '../predict/orientation.ts';
import type { OpenedModel } from '../predict/own.ts';
import { openOwnMaps, thresholdOf } from '../predict/own-maps.ts';
import type { FoundObjects } from '../report/run/evaluate.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface MapReport {
  readonly sheetNote: string;
  open(runtime: Runtime, bytes: Uint8Array, options: { readonly file: string }): Promise<OpenedModel>;
  /** As `predict` finds them. @param model that was opened here */
  find(model: OpenedModel): (maps: NdArray<'float32'>) => FoundObjects;
}

/** @throws UsageError for orientations to average over */
export function mapReport(by: MapKind, tta: TestTimeAugmentation): MapReport {
  if (tta !== 1) {
    throw new UsageError(`${option('tta')} is not for networks that give ${by}: turned ones are not averaged.`, {
      remedy: 'Use lamella report without it.',
    });
  }
  const what = by === 'stars' ? 'the middle of an object' : 'an object';
  return {
    sheetNote: `The probability is that of ${what}; the prediction shows where ${by} found objects.`,
    open: (runtime, bytes, { file }) => openOwnMaps(runtime, bytes, by, { file }),
    find: (model) => (maps) => {
      const pixels = maps.data.length / (maps.shape[0] as number);
      return {
        labels: decodeMaps(by, maps, { threshold: thresholdOf(model) }).labels,
        shown:
          by === 'stars'
            ? maps.data.subarray(0, pixels)
            : maps.data.subarray(2 * pixels).map((z) => 1 / (1 + Math.exp(-z))),
      };
    },
  };
}
