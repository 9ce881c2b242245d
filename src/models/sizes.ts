/** The image sides that a network supports. */
export interface SizeConstraints {
  /** Sides are `offset` modulo `multiple`, and at least `min`. */
  readonly multiple: number;
  readonly offset: number;
  readonly min: number;
  /** How much smaller the output is than the input. */
  readonly margin: number;
  /** Whether the network has a fixed input size and classifies its central pixel. */
  readonly window?: boolean;
  /** For display: `multiples of 16`. */
  readonly rule: string;
  /** The nearest supported side; the smaller one in case of a tie. */
  nearest(side: number): number;
}

/** The sides of tiles that a network takes, as stored in a model file. */
export interface TileSizes extends Pick<SizeConstraints, 'multiple' | 'offset' | 'min' | 'margin'> {
  /**
   * Radius of the receptive field in pixels: how far around a pixel its result depends on the image; null for the whole
   * image.
   */
  readonly halo: number | null;
}

/** Sides of `min` and any number of times `multiple` more. */
export function regularSizes(multiple: number, min: number, margin: number, rule: string): SizeConstraints {
  const offset = min % multiple;
  return {
    multiple,
    offset,
    min,
    margin,
    rule,
    nearest: (side) => Math.max(min, Math.ceil((side - offset) / multiple - 0.5) * multiple + offset),
  };
}

/** Sizes of a U-Net with padded convolutions and `depth` downsampling steps: multiples of 2^depth. */
export function paddedSizes(depth: number): SizeConstraints {
  const multiple = 2 ** depth;
  return regularSizes(multiple, multiple, 0, `multiples of ${multiple}`);
}

/** Sizes of a U-Net with two unpadded 3x3 convolutions per level: each level must be even before downsampling. */
export function unpaddedSizes(depth: number): SizeConstraints {
  // The lowest level must be large enough for a non-empty output after the decoder's convolutions.
  let lowest = 1;
  while (outputSide(inputSide(lowest, depth), depth) < 1) lowest++;
  const min = inputSide(lowest, depth);
  const multiple = 2 ** depth;
  return regularSizes(
    multiple,
    min,
    min - outputSide(min, depth),
    `${min % multiple} modulo ${multiple}, at least ${min}`,
  );
}

/** Size for a classifier of the central pixel of a window: that window. */
export function windowSizes(side: number): SizeConstraints {
  const rule = `windows of ${side} x ${side}`;
  return { multiple: 1, offset: 0, min: side, margin: side - 1, window: true, rule, nearest: () => side };
}

/** Side of the image that leaves `lowest` pixels after the convolutions of the lowest level. */
function inputSide(lowest: number, depth: number): number {
  let side = lowest + 4;
  for (let level = 0; level < depth; level++) side = 2 * side + 4;
  return side;
}

function outputSide(side: number, depth: number): number {
  let at = side;
  for (let level = 0; level < depth; level++) at = (at - 4) / 2;
  at -= 4;
  for (let level = 0; level < depth; level++) at = 2 * at - 4;
  return at;
}
