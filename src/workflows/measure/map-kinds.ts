/** What the values of label maps that are measured are. */

import {
  type LabelKind,
  type LabelKindFinding,
  LabelKindSurvey,
  labelKindsOfBoth,
} from '../../dataset/labels/label-kind.ts';
import { labelArrays } from '../../dataset/labels/labels.ts';
import { neverObjects } from '../../dataset/labels/not-annotated.ts';
import { DatasetError, LamellaError, option } from '../../errors.ts';
import { declaredOf, type ListedImage, readListedImage } from '../image-list.ts';
import { declaredIgnored, type MeasureItem, type MeasureReader } from './inputs.ts';
import type { MeasuredKinds } from './label-objects.ts';
import type { RegionMap } from './region-map.ts';

/** Maps that are measured by region, and why some cannot be measured. */
export type LargeMaps = ReadonlyMap<MeasureItem, RegionMap | LamellaError>;

export function describeKind(what: string, { kind, reason, evidence }: LabelKindFinding): string {
  if (evidence === 'mask') return `In the ${what} ${reason}.`;
  return kind === 'objects'
    ? `Each value of the ${what} is one object (${reason}).`
    : `Connected pixels of the same value are one object in the ${what} (${reason}).`;
}

/** More values than this, each in many pieces, are intensities. */
const MOST_CLASSES = 64;

/** Decided from all files. Unreadable files are ignored here; measuring them reports why. */
export async function kindsOf({ files, inputs, options }: MeasureReader, large: LargeMaps): Promise<MeasuredKinds> {
  const { items, written } = inputs;
  const { as } = options;
  const countedOf = new Map([...large].map(([{ labels }, counted]) => [labels, counted]));
  const truthOf = new Map([...large].map(([{ truth }, counted]) => [truth, counted]));
  const survey = async (
    listed: readonly ListedImage[],
    ignore: readonly number[],
    own?: LabelKind,
  ): Promise<LabelKindSurvey> => {
    const declared = declaredOf(listed);
    const found = new LabelKindSurvey({ ignore });
    for (const item of listed) {
      const counted = countedOf.get(item);
      if (counted !== undefined && !(counted instanceof LamellaError)) {
        found.addStated(counted.labels, counted.info.labelKind ?? own ?? declared?.kind ?? 'objects');
      }
      const ofTruth = truthOf.get(item);
      if (ofTruth !== undefined && !(ofTruth instanceof LamellaError))
        ofTruth.surveyTruth(found, own ?? declared?.kind);
      if (counted !== undefined || ofTruth !== undefined) continue;
      try {
        const map = await readListedImage(files, item, { palette: 'index' });
        for (const values of labelArrays(map)) found.add(values, map.labelKind ?? own ?? declared?.kind);
      } catch (cause) {
        if (!(cause instanceof LamellaError)) throw cause;
      }
    }
    return found;
  };
  const truths = items.flatMap(({ truth }) => (truth === undefined ? [] : [truth]));
  const maps = items.map((item) => item.labels);
  const declared = declaredIgnored(inputs, options);
  const ofTruth = await survey(truths, declared.labels);
  const all = await survey(maps, declared.labels, written);
  const isMask = all.valueCount === 0 && declared.mask.length < declared.labels.length;
  const labels = isMask ? await survey(maps, declared.mask, written) : all;
  const { prediction, truth } = labelKindsOfBoth(ofTruth, labels, { as, unclear: 'objects' });
  for (const [found, { kind, evidence, reason }, [first]] of [
    [labels, prediction, maps],
    [ofTruth, truth, truths],
  ] as const) {
    if (kind !== 'classes' || evidence !== 'clear' || found.valueCount <= MOST_CLASSES) continue;
    throw new DatasetError(`${reason}: this looks like an image, not a label map.`, {
      file: first?.path,
      remedy: `Use label maps, such as those of lamella predict, or set ${option('as', 'classes')} if the values are classes.`,
    });
  }
  // Among objects 255 is a number like any other, and so is what the other side declares.
  const ignored = ({ kind }: LabelKindFinding, { ignored: all }: LabelKindSurvey, given: readonly number[]) =>
    kind === 'classes' ? all : all.filter((value) => given.includes(value) || neverObjects([value]).length > 0);
  return {
    labels: prediction,
    truth,
    ignored: {
      labels: ignored(prediction, labels, declared.objects.labels),
      truth: ignored(truth, ofTruth, declared.objects.truth),
    },
    isOfClasses: prediction.kind === 'classes' && prediction.soft !== true && labels.valueCount > 1,
  };
}

/** Which objects of a label map that is measured by region are left out. @throws DatasetError for classes */
export function droppedFrom(
  { options: { minSize = 0 } }: Pick<MeasureReader, 'options'>,
  file: string,
  { labels: { kind }, ignored }: MeasuredKinds,
): (label: number, pixels: number) => boolean {
  if (kind !== 'objects') {
    throw new DatasetError(
      'this is measured by region, for which the values of all label maps have to number objects.',
      { file, remedy: `Measure it by itself, or set ${option('as', 'objects')} if they do.` },
    );
  }
  const left = new Set(ignored.labels);
  return (label, pixels) => left.has(label) || pixels < minSize;
}
