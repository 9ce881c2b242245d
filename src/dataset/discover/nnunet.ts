/**
 * nnU-Net's `dataset.json`: a data set's channels, classes and files. Supported are version 2
 * (https://github.com/MIC-DKFZ/nnUNet, documentation/dataset_format.md) and version 1, also used by the Medical
 * Segmentation Decathlon.
 */

import { counted, DatasetError } from '../../errors.ts';
import { type Image, sizes } from '../../image/image.ts';
import { type Fields, isFields } from '../json.ts';
import type { LabelClass, LabelRegion } from '../labels/labels.ts';

export const DATASET_JSON = 'dataset.json';

export interface DatasetJson {
  /** In the order of the numbers at the end of image file names. */
  readonly channelNames: readonly string[];
  /** In the order of their values, without the ignored one. */
  readonly classes: readonly LabelClass[];
  readonly ignore: readonly number[];
  /** Unions of values with a name, if the data set has any: `whole tumour = 1+2+3`. In the order of nnU-Net's predictions. */
  readonly regions?: readonly LabelRegion[];
  readonly fileEnding?: string;
  readonly trainingImages?: number;
}

/**
 * Whether a folder of images or labels is named as in nnU-Net; `gt_segmentations` is the one beside preprocessed data.
 */
export const isNnunetFolder = (folder: string): boolean =>
  /(^|[/\\])((images|labels)(tr|ts|val)|gt_segmentations)[/\\]*$/i.test(folder);

/**
 * @param file for messages
 * @returns undefined for a file of this name that is not nnU-Net's
 * @throws DatasetError for labels that are not numbered consecutively from 0, `ignore` below another label, and regions
 * without the value that each of them stands for (`regions_class_order`)
 */
export function parseDatasetJson(text: string, file: string): DatasetJson | undefined {
  const refuse = (problem: string, remedy: string): never => {
    throw new DatasetError(problem, { file, remedy });
  };
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return refuse('this is not JSON.', 'Correct the file, or remove it.');
  }
  if (!isFields(json) || !isFields(json.labels)) return undefined;
  const labels = new Map<number, string>();
  const regions = regionsIn(json, refuse);
  for (const [key, value] of Object.entries(regions?.labels ?? json.labels)) {
    // Version 1 has { "1": "tumour" }, version 2 { "tumour": 1 }.
    const [number, name] = typeof value === 'string' && /^\d+$/.test(key) ? [Number(key), value] : [Number(value), key];
    if (!Number.isInteger(number) || number < 0) {
      return refuse(`the label "${key}" has the value ${JSON.stringify(value)}.`, 'Use integers from 0.');
    }
    const other = labels.get(number);
    if (other !== undefined) {
      return refuse(`"${other}" and "${name}" both have the value ${number}.`, 'Give each label its own value.');
    }
    labels.set(number, name);
  }
  const values = [...labels.keys()].sort((a, b) => a - b);
  const ignore = values.filter((value) => labels.get(value) === 'ignore');
  if (ignore.length > 0 && ignore[0] !== values.at(-1)) {
    return refuse(
      `"ignore" has the value ${ignore[0]}, but other labels go up to ${values.at(-1)}.`,
      'Give "ignore" the highest value of all labels.',
    );
  }
  const gap = values.findIndex((value, i) => value !== i);
  if (gap >= 0 && !(ignore.length > 0 && gap === values.length - 1)) {
    return refuse(`the labels have the values ${values.join(', ')}.`, 'Number them 0, 1, 2 and so on, without a gap.');
  }
  const { file_ending: fileEnding, numTraining } = json;
  return {
    channelNames: namesOf(json.channel_names ?? json.modality),
    classes: values
      .filter((value) => !ignore.includes(value))
      .map((value) => ({ name: labels.get(value) as string, values: [value] })),
    ignore,
    ...(regions && { regions: regions.regions }),
    fileEnding: typeof fileEnding === 'string' ? fileEnding : undefined,
    trainingImages: typeof numTraining === 'number' ? numTraining : undefined,
  };
}

type Refuse = (problem: string, remedy: string) => never;

/**
 * The regions of a data set whose labels are unions of values, and its values as labels with one value each. Regions are
 * painted in their order over each other, each with its value of `regions_class_order`: so a value is that region without
 * the later ones.
 */
function regionsIn(
  { labels, regions_class_order: order }: Fields,
  refuse: Refuse,
): (Pick<Required<DatasetJson>, 'regions'> & { readonly labels: Fields }) | undefined {
  if (!isFields(labels) || !Object.values(labels).some(Array.isArray)) return undefined;
  const plain = Object.entries(labels).filter(([name, value]) => name === 'ignore' || value === 0);
  const regions = Object.entries(labels)
    .filter(([name, value]) => name !== 'ignore' && value !== 0)
    .map(([name, value]) => ({ name, values: [value].flat() as number[] }));
  const whole = 'Use integers, and list the value of each region in "regions_class_order".';
  if (
    !regions.every(({ values }) => values.length > 0 && values.every((value) => Number.isInteger(value) && value > 0))
  ) {
    return refuse('a region has values that are no integers from 1.', whole);
  }
  const values = new Set(regions.flatMap((region) => region.values));
  const given: readonly unknown[] = Array.isArray(order) ? order : [];
  const isOrder =
    given.length === regions.length && regions.every((region, i) => region.values.includes(given[i] as number));
  if (!isOrder || new Set(given).size < given.length || values.size !== given.length) {
    return refuse(
      `there are ${regions.length} regions of ${values.size} values, and "regions_class_order" is ${JSON.stringify(order)}.`,
      whole,
    );
  }
  const named = regions.map(({ name, values: own }, i): readonly [string, unknown] => {
    const value = given[i] as number;
    return [own.length === 1 ? name : `${name} only`, value];
  });
  const shown = regions.map((region, i): LabelRegion => ({ ...region, shownAs: given[i] as number }));
  return { regions: shown, labels: Object.fromEntries([...plain, ...named]) };
}

/** `{ "0": "T2", "1": "ADC" }` in order; red, green, blue for a colour photograph. */
function namesOf(channels: unknown): readonly string[] {
  if (!isFields(channels) && !Array.isArray(channels)) return [];
  const names = Object.entries(channels)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, name]) => String(name));
  return /^r(ed)?,g(reen)?,b(lue)?$/i.test(names.join()) ? ['red', 'green', 'blue'] : names;
}

/**
 * An image with the channels named by `dataset.json`. Volumes with channels along a fourth axis, as in the Medical
 * Segmentation Decathlon, get that axis as `c`; NIfTI calls it time.
 * @throws DatasetError if the image has a different number of channels.
 */
export function withDeclaredChannels(image: Image, { channelNames: names }: DatasetJson): Image {
  if (names.length === 0) return image;
  const { axes, shape } = image;
  const { times, channels } = sizes(image);
  if (channels === 1 && names.length > 1 && times === names.length && !axes.includes('c')) {
    const { t: _, ...spacing } = image.spacing;
    return { ...image, axes: axes.replace('t', 'c'), shape, spacing, channels: names };
  }
  const alpha = image.channels?.includes('alpha') === true ? 1 : 0;
  if (channels - alpha !== names.length) {
    throw new DatasetError(
      `the image has ${counted(channels, 'channel')}, ${DATASET_JSON} names ${names.length} (${names.join(', ')}).`,
      { file: image.source, remedy: 'Correct "channel_names", or add the files of the missing channels.' },
    );
  }
  return alpha === 1 || names.length === 1 ? image : { ...image, channels: names };
}
