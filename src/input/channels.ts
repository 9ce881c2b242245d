/** Which channels of an image a network uses. The specification is JSON and is stored in the model file. */

import { counted, DatasetError, option } from '../errors.ts';
import type { Page } from './planes.ts';

/** One or several channels, by name or by number from 0, in this order. */
export type ChannelChoice = string | number | readonly (string | number)[];

/**
 * How channels are used: `grey` uses one (the luma of colour photographs), `colour` converts to three (grey images are
 * replicated), `asis` keeps `count`.
 */
export interface ChannelSpec {
  readonly mode: 'grey' | 'colour' | 'asis';
  readonly count: number;
  /** The channels of an image to use, in this order; undefined: all. */
  readonly pick?: readonly (string | number)[];
  /** Names of the channels kept by `asis`, if the training images state them. */
  readonly names?: readonly string[];
}

/** What a model that states only their number takes: grey, the colours of photographs, or channels as they are. */
export const usualChannels = (count: number): ChannelSpec => ({
  mode: count === 1 ? 'grey' : count === 3 ? 'colour' : 'asis',
  count,
});

export type NamedPage = Page & { readonly name?: string };

const RGB = ['red', 'green', 'blue'];
/** ITU-R BT.601 luma. */
const LUMA = [0.299, 0.587, 0.114] as const;
const TO_GREY = `converted to grey by ${LUMA.join(', ')}`;

/** Whether the channels are the red, green and blue of a photograph rather than three stains or other measurements. */
function isPhotograph({ channels, channelNames }: Page): boolean {
  return channels === 3 && RGB.every((name, i) => channelNames?.[i]?.toLowerCase() === name);
}

/** `3 channels (DAPI, GFP, RFP)`. */
function described({ channels, channelNames }: Page): string {
  return `${counted(channels, 'channel')}${channelNames === undefined || channels === 1 ? '' : ` (${channelNames.join(', ')})`}`;
}

/** Default channel names of other programs. */
const ANONYMOUS = /^(gr[ae]y|(channel|component|sample)[ :\d]*)$/i;

/** Whether the file names its channels. */
const isNamed = ({ channelNames }: Page): boolean => channelNames?.some((name) => !ANONYMOUS.test(name)) === true;

/** Whether a photograph that comes part by part is colourless: its channels differ by at most 1 % of its range everywhere. */
export class ColourScan {
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;
  #difference = 0;

  /** @param page a part with three channels */
  add({ data, height, width }: Page): void {
    const pixels = height * width;
    for (let p = 0; p < pixels; p++) {
      const r = data[p];
      const g = data[pixels + p];
      const b = data[2 * pixels + p];
      const most = Math.max(r, g, b);
      const least = Math.min(r, g, b);
      if (least < this.#low) this.#low = least;
      if (most > this.#high) this.#high = most;
      if (most - least > this.#difference) this.#difference = most - least;
    }
  }

  get isGrey(): boolean {
    return this.#difference <= 0.01 * (this.#high - this.#low);
  }
}

/** Whether a slice has no colour: one channel, or a photograph that is colourless. */
export function isGrey(page: Page): boolean {
  if (page.channels === 1) return true;
  if (!isPhotograph(page)) return false;
  const scan = new ColourScan();
  scan.add(page);
  return scan.isGrey;
}

/** Minimum fraction of coloured photographs for which a mixed set is read in colour. */
const COLOUR_FRACTION = 0.05;

/**
 * One channel, three, or as many as there are, inferred from the slices or set by `channel`; with the reason as a
 * printed line.
 * @throws DatasetError if channels differ in other ways than grey beside colour photographs, or a chosen one is
 * missing.
 */
export function chooseChannels(
  pages: readonly NamedPage[],
  channel?: ChannelChoice,
): { readonly spec: ChannelSpec; readonly reason: string } {
  if (channel !== undefined) {
    const pick = listOf(channel);
    for (const page of pages) pickChannels(page, pick);
    return {
      spec: { mode: 'asis', count: pick.length, pick },
      reason: `channels: ${pick.length}, ${pick.join(', ')} as given`,
    };
  }
  if (pages.every((page) => page.channels === 1 || isPhotograph(page))) {
    const photographs = pages.filter((page) => page.channels === 3);
    if (photographs.length === 0)
      return { spec: { mode: 'grey', count: 1 }, reason: 'channels: 1, all images are grey' };
    const coloured = photographs.filter((page) => !isGrey(page)).length;
    if (coloured / pages.length < COLOUR_FRACTION) {
      const why =
        coloured === 0
          ? 'the three channels of all images are equal'
          : `only ${coloured} of ${pages.length} images have colour, which is ${TO_GREY}`;
      return { spec: { mode: 'grey', count: 1 }, reason: `channels: 1, ${why}` };
    }
    return {
      spec: { mode: 'colour', count: 3 },
      reason: `channels: 3, ${coloured} of ${pages.length} images have colour`,
    };
  }
  const [first] = pages as readonly [NamedPage, ...NamedPage[]];
  const spec: ChannelSpec = {
    mode: 'asis',
    count: first.channels,
    names: isNamed(first) ? first.channelNames : undefined,
  };
  const other = pages.find((page) => page.channels !== first.channels || isPhotograph(page) !== isPhotograph(first));
  if (other !== undefined) {
    throw new DatasetError(`the image has ${described(other)}, "${first.name}" has ${described(first)}.`, {
      file: other.name,
      remedy: `Use images with the same channels, or choose some with ${option('channel')}.`,
    });
  }
  for (const page of pages) positionsOf(page, spec);
  return {
    spec,
    reason: `channels: ${first.channels}${spec.names === undefined ? '' : ` (${spec.names.join(', ')}), each by itself`}`,
  };
}

const listOf = (channel: ChannelChoice): readonly (string | number)[] =>
  typeof channel === 'object' ? channel : [channel];

/** Positions of the requested channels in a slice; -1 for missing ones. */
function find({ channels, channelNames }: Page, wanted: readonly (string | number)[]): readonly number[] {
  return wanted.map((one) =>
    typeof one === 'string' ? (channelNames?.indexOf(one) ?? -1) : Number.isInteger(one) && one < channels ? one : -1,
  );
}

function take<P extends Page>(page: P, indices: readonly number[]): P {
  const pixels = page.height * page.width;
  const data = page.data.slice(0, indices.length * pixels);
  for (const [c, i] of indices.entries()) data.set(page.data.subarray(i * pixels, (i + 1) * pixels), c * pixels);
  return { ...page, data, channels: indices.length, channelNames: undefined, chosen: true };
}

/**
 * The chosen channels of a slice, in this order, as unnamed channels, because they were explicitly chosen.
 * @throws DatasetError if the slice lacks one of them.
 */
export function pickChannels<P extends NamedPage>(page: P, channel: ChannelChoice): P {
  const wanted = listOf(channel);
  const indices = find(page, wanted);
  const missing = wanted[indices.findIndex((index) => index < 0)];
  if (missing === undefined) return take(page, indices);
  throw new DatasetError(`channel ${missing} does not exist; the image has ${described(page)}.`, {
    file: page.name,
    remedy: `Set ${option('channel')} to a name that the image has, or to a number from 0.`,
  });
}

/** The channels of a slice that a rule without a pick uses, in order. @throws DatasetError as `selectChannels` */
function positionsOf(page: NamedPage, { mode, count, names }: ChannelSpec): readonly number[] {
  const { channels } = page;
  const all = Array.from({ length: channels }, (_, i) => i);
  const refuse = (expected: string, remedy: string): never => {
    throw new DatasetError(`the image has ${described(page)}, ${expected}.`, { file: page.name, remedy });
  };
  if (mode === 'asis') {
    if (channels !== count) {
      return refuse(
        `${count} ${count === 1 ? 'is' : 'are'} expected`,
        `Use an image with the channels of the training images, or choose some with ${option('channel')}.`,
      );
    }
    if (names === undefined || count === 1 || !isNamed(page)) return all;
    const found = find(page, names);
    if (!found.includes(-1)) return found;
    return refuse(
      `${names.join(', ')} are expected`,
      `Set ${option('channel')} to the channels that stand for them, in this order.`,
    );
  }
  if (channels === 1 || isPhotograph(page) || (mode === 'colour' && channels === 3)) return all;
  return refuse(
    channels === 3 ? 'which are not the red, green and blue of a photograph; 1 is expected' : '1 or 3 are expected',
    `Choose with ${option('channel')}, by name or by number from 0.`,
  );
}

/** The slice with the channels picked in training, and the position of each of the rule's channels in it. */
function follow(page: NamedPage, spec: ChannelSpec): { readonly page: NamedPage; readonly indices: readonly number[] } {
  const { count } = spec;
  const pick = page.chosen === true ? undefined : spec.pick;
  // A file may contain only the picked channels.
  const alone = page.channels === count && !isNamed(page);
  const own = pick === undefined || (alone && find(page, pick).includes(-1)) ? page : pickChannels(page, pick);
  return { page: own, indices: positionsOf(own, spec) };
}

/** Whether the rule uses the planes of a slice unchanged. */
export function keepsChannels(page: NamedPage, spec: ChannelSpec): boolean {
  const followed = follow(page, spec);
  return followed.page === page && page.channels === spec.count && followed.indices.every((index, i) => index === i);
}

/**
 * The planes [count, height, width] that the channel rule selects from a slice, in the values of the file.
 * @throws DatasetError if the slice does not have such channels; three that are not a photograph have no grey value.
 */
export function selectChannels(given: NamedPage, spec: ChannelSpec): Float32Array {
  const { mode, count } = spec;
  const { page, indices } = follow(given, spec);
  const { data, height, width } = page;
  const pixels = height * width;
  const out = new Float32Array(count * pixels);
  if (mode === 'grey' && indices.length === 3) {
    const [r, g, b] = LUMA;
    for (let p = 0; p < pixels; p++) out[p] = r * data[p] + g * data[pixels + p] + b * data[2 * pixels + p];
  } else if (mode === 'colour' && indices.length === 1) {
    for (let c = 0; c < 3; c++) out.set(data, c * pixels);
  } else for (const [c, i] of indices.entries()) out.set(data.subarray(i * pixels, (i + 1) * pixels), c * pixels);
  return out;
}

/** Whether only the pixels tell if colour is lost in the conversion of a slice. */
export const losesColour = (page: Page, { mode, pick }: ChannelSpec): boolean =>
  page.chosen !== true && pick === undefined && mode === 'grey' && page.channels === 3;

/**
 * A note on how a slice's channels are converted; undefined if they are used unchanged.
 * @param grey whether the slice has no colour, if that is known
 */
export function channelNote(page: Page, spec: ChannelSpec, grey?: boolean): string | undefined {
  const { mode, pick } = spec;
  if (page.chosen === true) return undefined;
  if (pick !== undefined) return page.channels > 1 ? `Channel ${pick.join(', ')} is used, as in training.` : undefined;
  if (losesColour(page, spec)) return (grey ?? isGrey(page)) ? undefined : `Colour ${TO_GREY}.`;
  if (mode === 'colour' && page.channels === 3 && !isPhotograph(page)) {
    return `The ${described(page)} take the place of red, green and blue.`;
  }
  return undefined;
}
