/** What the data of a run that trains on from a model keep of it: channels, normalisation, the meaning of labels. */

import {
  findMapping,
  ignoredAmongObjects,
  type LabelMapping,
  type LabelOptions,
  labelValues,
} from '../dataset/labels/labels.ts';
import { requireOnePalette } from '../dataset/labels/palettes.ts';
import { labelOptions, type RawDataset, type RawPage } from '../dataset/raw.ts';
import { LamellaError } from '../errors.ts';
import { type ChannelChoice, chooseChannels, type NamedPage, selectChannels } from '../input/channels.ts';
import type { InputSpec } from '../input/normalise.ts';
import type { StartModel } from './start.ts';

/**
 * The model's own input rule, if the slices have its channels; undefined otherwise, in which case rule and
 * normalisation are inferred again. Grey slices become colour for a colour model, as in training.
 * @throws DatasetError as `chooseChannels`.
 */
export function startInput(
  { input }: StartModel,
  pages: readonly NamedPage[],
  channel?: ChannelChoice,
): InputSpec | undefined {
  const { spec } = chooseChannels(pages, channel);
  if (input === undefined) return undefined;
  if (channel !== undefined) return spec.count === input.channels.count ? { ...input, channels: spec } : undefined;
  const threefold = input.channels.mode === 'colour' && spec.mode === 'grey';
  if (spec.count !== input.channels.count && !threefold) return undefined;
  try {
    for (const page of pages) selectChannels(page, input.channels);
    return input;
  } catch (cause) {
    if (cause instanceof LamellaError) return undefined;
    throw cause;
  }
}

/**
 * The model's own label mapping, unless the user sets another one or it lacks values of the slices, in which case it is
 * inferred again. Values to ignore are added. Of a model that says no values, as of another program, classes that nobody
 * else names have its names, if they are as many.
 * @param pages at least one pixel of each value of each slice
 * @throws as `findMapping`.
 */
export function startLabels<L extends LabelMapping | Promise<LabelMapping> = LabelMapping>(
  { labels, classNames }: Pick<StartModel, 'labels' | 'classNames'>,
  pages: readonly RawPage['label'][],
  options: LabelOptions,
  infer = findMapping as (...of: Parameters<typeof findMapping>) => LabelMapping | L,
): LabelMapping | L {
  const { classes, task, ignore = [] } = options;
  if (classes !== undefined || task !== undefined) return infer(pages, options);
  if (labels === undefined) {
    const found = infer(pages, options);
    const named = (mapping: LabelMapping): LabelMapping => withNames(mapping, classNames);
    return found instanceof Promise ? (found.then(named) as L) : named(found);
  }
  const own = { ...labels, ignore: [...new Set([...labels.ignore, ...ignore])] };
  const known = new Set([
    ...own.ignore,
    ...own.classes.flatMap(({ values }) => (typeof values === 'string' ? [] : values)),
  ]);
  if (own.classes.some(({ values }) => values === 'rest')) {
    return { ...own, ignore: ignoredAmongObjects(labelValues(pages), own.ignore) };
  }
  for (const { values } of pages)
    for (let p = 0; p < values.length; p++) if (!known.has(values[p] as number)) return infer(pages, options);
  requireOnePalette(pages);
  return own;
}

const withNames = (mapping: LabelMapping, names: readonly string[]): LabelMapping =>
  mapping.classes.length === names.length
    ? { ...mapping, classes: mapping.classes.map((one, i) => ({ ...one, name: names[i] as string })) }
    : mapping;

/**
 * Whether pages have the channels and the label values that the model knows, so that nothing of it has to be replaced and
 * its own data can be rehearsed beside them.
 * @throws DatasetError as `chooseChannels`.
 */
export function isSameTask(
  start: StartModel,
  raw: RawDataset,
  { classes, ignore, channel }: Pick<LabelOptions, 'classes' | 'ignore'> & { readonly channel?: ChannelChoice },
): boolean {
  if (start.labels === undefined) return false;
  const named = classes?.map((item) => (typeof item === 'string' ? item : item.name));
  if (named !== undefined && named.join() !== start.classNames.join()) return false;
  const labels = raw.pages.map(({ label }) => label);
  const found = startLabels(start, labels, labelOptions(raw, { ignore }));
  const keepsClasses = named !== undefined || found.classes === start.labels.classes;
  return keepsClasses && startInput(start, raw.pages, channel) !== undefined;
}
