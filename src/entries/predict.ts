/** `lamella/predict`: the input of networks made from an image, and their prediction for one pixel of it. */

export type { Rectangle } from '../array/window-sums.ts';
export type { ChannelChoice } from '../input/channels.ts';
export type { ClassInput } from '../input/classes.ts';
export { inputNotes, inputPages } from '../input/network-input.ts';
export type { Page } from '../input/planes.ts';
export { readMetadata } from '../models/metadata.ts';
export { cleanedImage } from '../predict/cleaned.ts';
export { DIVIDED_BY_255 } from '../predict/foreign.ts';
export { inputAt, type PixelInput, type Point, predictAt, viewAt } from '../predict/input-at.ts';
export type { Activation } from '../predict/model.ts';
