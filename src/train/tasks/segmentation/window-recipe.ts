/** Choices for a classifier of the central pixel of a window. */

import { option, UsageError } from '../../../errors.ts';
import { requireWindow, type WindowSpec } from '../../../input/window.ts';
import type { ModelSpec, NetworkName } from '../../../models/registry.ts';
import { isWindowName, WINDOW_NAMES, windowSide } from '../../../models/sliding-window.ts';
import { type NetworkChoice, type NetworkOptions, ownOptions } from './network-options.ts';

export interface WindowOptions {
  /** Blur at the border of the window, pixels. */
  readonly foveation?: number;
  /** Side of the image region that the window covers, sampled more coarsely away from its centre. */
  readonly cover?: number;
}

/** Weight of rare classes: none if patches are sampled equally from all classes. */
export function chooseBalance({
  balance,
  network = 'unet',
}: {
  readonly balance?: number;
  readonly network?: NetworkName;
}): number {
  return balance ?? (isWindowName(network) ? 0 : 0.5);
}

/**
 * The window of a network, or undefined for networks of whole patches.
 * @param image height and width of the smallest training image
 * @throws UsageError if it is larger than the image, or foveation is set without a window.
 */
export function chooseWindow(
  name: NetworkName,
  image: readonly [number, number],
  { foveation = 0, cover }: WindowOptions,
): WindowSpec | undefined {
  if (!isWindowName(name)) {
    if (foveation === 0 && cover === undefined) return undefined;
    throw new UsageError(`The network '${name}' has no window that could be foveated or sampled nonuniformly.`, {
      remedy: `Use one of ${WINDOW_NAMES.join(', ')}.`,
    });
  }
  const side = windowSide(name);
  const window = { side, cover: cover ?? side, foveationPx: foveation };
  requireWindow(window);
  if (Math.min(...image) < window.cover) {
    const fitting = WINDOW_NAMES.findLast((other) => windowSide(other) <= Math.min(...image));
    const other = fitting === undefined || cover !== undefined ? '' : `, or use ${option('network', fitting)}`;
    throw new UsageError(
      `The window of ${window.cover} pixels is larger than the smallest image, ${image[1]} x ${image[0]}.`,
      { remedy: `Provide larger images${other}.` },
    );
  }
  return window;
}

/** The network, its patch and the reason. */
export function windowChoice(
  name: NetworkName,
  common: Pick<ModelSpec, 'channels' | 'numClasses'>,
  { cover, side, foveationPx }: WindowSpec,
  settings: NetworkOptions & { readonly patch?: readonly [number, number] },
): NetworkChoice {
  const seen = cover === side ? '' : `, which covers ${cover} pixels of the image`;
  const blurred = foveationPx === 0 ? '' : `, blurred up to ${foveationPx} pixels at its border`;
  return {
    model: { name, ...common, ...ownOptions(name, settings) } as ModelSpec,
    patch: settings.patch ?? [side, side],
    reason: `the class of the pixel in the middle of a window of ${side} x ${side}${seen}${blurred}; as many of each class`,
  };
}
