/** From an image to the array that a network takes, alike for training, prediction and explanation. */

import type { Image } from '../image/image.ts';
import { type AxisMap, displayMap, reorient } from '../image/orient.ts';
import {
  type ChannelChoice,
  type ChannelSpec,
  channelNote,
  chooseChannels,
  type NamedPage,
  pickChannels,
  selectChannels,
} from './channels.ts';
import { type ClassInput, copyCrop, type View } from './classes.ts';
import { fitNormalisation, type InputSpec, type NormalisationOptions, normalise, scaleNote } from './normalise.ts';
import { pixelSizeNote, pixelSizes } from './pixel-size.ts';
import { pagesOf } from './planes.ts';

/** An image as a 2D network sees it. */
export interface InputPages {
  /** Named after the image: `NAME`, or `NAME[3]` for a page of several. */
  readonly pages: readonly (NamedPage & { readonly name: string })[];
  /** The image with its slices as they are looked at. */
  readonly upright: Image;
  /** How the axes were exchanged and reversed for that; `inverseMap` turns results back. Undefined: not at all. */
  readonly map?: AxisMap;
}

/**
 * The pages of an image over time and depth, with slices the way up in which every other patient's are (`displayMap`).
 * @param options.channel of the image, in place of those that the network was trained on
 * @throws DatasetError as `pagesOf`, and for a channel that does not exist.
 */
export function inputPages(
  image: Image,
  { name = image.source ?? 'image', channel }: { readonly name?: string; readonly channel?: ChannelChoice } = {},
): InputPages {
  const map = displayMap(image);
  const upright = map === undefined ? image : reorient(image, map);
  const pages = pagesOf(upright).map((page, i, all) => {
    const named = { ...page, name: all.length > 1 ? `${name}[${i}]` : name };
    return channel === undefined ? named : pickChannels(named, channel);
  });
  return { pages, upright, map };
}

/**
 * The input rule for a set of training images, chosen from their values or as given; with its reasons as printed lines.
 * @throws DatasetError as `chooseChannels` and `fitNormalisation`.
 */
export function fitInput(
  pages: readonly (NamedPage & { readonly pixelMm?: readonly [y: number, x: number] })[],
  {
    channel,
    channels: given,
    normalisation,
  }: {
    readonly channel?: ChannelChoice;
    readonly channels?: ChannelSpec | undefined;
    readonly normalisation?: NormalisationOptions | undefined;
  } = {},
): { readonly input: InputSpec; readonly reasons: readonly [channels: string, normalisation: string] } {
  const { spec: channels, reason } = given === undefined ? chooseChannels(pages, channel) : channelsAsGiven(given);
  const planes = pages.map((page) => selectChannels(page, channels));
  const fitted = fitNormalisation(planes, channels, normalisation);
  return {
    input: { channels, normalisation: fitted.spec, pixelMm: pixelSizes(pages) },
    reasons: [reason, fitted.reason],
  };
}

/** Channels that a model takes, with the reason as a printed line. */
export const channelsAsGiven = (spec: ChannelSpec) => ({ spec, reason: `channels: ${spec.count}, as the model takes` });

/**
 * A page as the network wants it: float32 [channels, height, width].
 * @throws DatasetError when its channels do not fit.
 */
export function prepareInput(page: NamedPage, { channels, normalisation }: InputSpec): Float32Array {
  return normalise(selectChannels(page, channels), channels.count, normalisation);
}

/** A view of a stored image (`storedPlanes`) as an image classifier wants it, into `out` [channels, *crop]. */
export function prepareView(
  planes: ArrayLike<number>,
  { channels, stored, crop, normalisation }: ClassInput,
  view: View,
  out: Float32Array,
): Float32Array {
  copyCrop(planes, channels.count, stored, { ...view, crop }, out);
  return normalise(out, channels.count, normalisation);
}

/**
 * What is to be said of an image that a network is given: of its channels, its values and the size of its pixels.
 * @param options resample: whether it is scaled to the pixel size of the training images
 */
export function inputNotes(
  image: Image,
  page: NamedPage,
  { channels, normalisation, pixelMm }: InputSpec,
  options: { readonly resample?: boolean } = {},
): readonly string[] {
  const notes = [
    channelNote(page, channels),
    scaleNote(image.dtype, normalisation),
    pixelSizeNote(pixelMm, image, options),
  ];
  return notes.filter((note) => note !== undefined);
}
