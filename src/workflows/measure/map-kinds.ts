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
import type { LargeMaps } from './by-region.ts';
import { declaredIgnored, type MeasureReader } from './inputs.ts';
import type { MeasuredKinds } from './label-objects.ts';

export function describeKind(what: string, { kind, reason, evidence }: LabelKindFinding): string {
  if (evidence === 'mask') return `In the ${what} ${reason}.`;
  return kind === 'objects'
    ? `Each value of the ${what} is one object (${reason}).`
    : `Connected pixels of the same value are one object in the ${what} (${reason}).`;
}

/** More values than this, each in many pieces, are intensities. */
const MOST_CLASSES = 64;

/**
 * Decided from all files. Unreadable files are ignored here; measuring them reports why.
 * @param large those that are measured by region, and were counted
 */
export async function kindsOf({ files, inputs, options }: MeasureReader, large?: LargeMaps): Promise<MeasuredKinds> {
  const { items, written } = inputs;
  const { as } = options;
  const survey = async (
    listed: readonly ListedImage[],
    ignore: readonly number[],
    own?: LabelKind,
  ): Promise<LabelKindSurvey> => {
    const declared = declaredOf(listed);
    const found = new LabelKindSurvey({ ignore });
    for (const item of listed) {
      const kind = own ?? declared?.kind;
      if (large?.survey(item, found, kind)) continue;
      try {
        const map = await readListedImage(files, item, { palette: 'index' });
        for (const values of labelArrays(map)) found.add(values, map.labelKind ?? kind);
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
