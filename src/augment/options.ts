import { UsageError } from '../errors.ts';

/** How strongly training samples are augmented. Plain JSON; a strength of 0 (or false) disables a change. */
export interface AugmentOptions {
  /** Mirror along x and along y, each with probability 0.5. Default true. */
  readonly flip?: boolean;
  /** Rotate by 0, 90, 180 or 270 degrees. Default true. */
  readonly turn?: boolean;
  /** Fraction of samples that are rotated, scaled and deformed; the others keep their pixels unchanged. Default 0.7. */
  readonly warpFraction?: number;
  /** Largest rotation angle in either direction. Default 45 (with `turn`, all angles). */
  readonly rotateDegrees?: number;
  /** Largest magnification; its inverse is the smallest; log-uniform in between. 1 = none. Default 1.2. */
  readonly scale?: number;
  /** Standard deviation of the displacements on the coarse grid. Default 10, as in the U-Net paper. */
  readonly elasticSigmaPx?: number;
  /** Nodes along each side of that grid. Default 3, as in the paper. */
  readonly elasticGrid?: number;
  /** How the image is interpolated. Default `bicubic`. */
  readonly interpolation?: 'bicubic' | 'bilinear';
  /** Fraction of samples to which each of the intensity changes below is applied. Default 0.5. */
  readonly intensityFraction?: number;
  /** Largest shift, in units of the normalised image, whose range is about -1..1. Default 0.2. */
  readonly brightness?: number;
  /** Largest factor on the distance from the mean; its inverse is the smallest. 1 = none. Default 1.3. */
  readonly contrast?: number;
  /** Largest exponent on values scaled to 0..1; its inverse is the smallest. 1 = none. Default 1.4. */
  readonly gamma?: number;
  /** Largest standard deviation of added noise, normalised units. Default 0.1. */
  readonly noise?: number;
  /** Largest standard deviation of a Gaussian blur. Default 0.8. */
  readonly blurPx?: number;
}

export type AugmentSettings = Required<AugmentOptions>;

const DEFAULTS: AugmentSettings = {
  flip: true,
  turn: true,
  warpFraction: 0.7,
  rotateDegrees: 45,
  scale: 1.2,
  elasticSigmaPx: 10,
  elasticGrid: 3,
  interpolation: 'bicubic',
  intensityFraction: 0.5,
  brightness: 0.2,
  contrast: 1.3,
  gamma: 1.4,
  noise: 0.1,
  blurPx: 0.8,
};

const least: { readonly [K in keyof AugmentOptions]: number } = {
  warpFraction: 0,
  rotateDegrees: 0,
  scale: 1,
  elasticSigmaPx: 0,
  elasticGrid: 2,
  intensityFraction: 0,
  brightness: 0,
  contrast: 1,
  gamma: 1,
  noise: 0,
  blurPx: 0,
};

/**
 * The options with their defaults.
 * @throws UsageError for a value out of range, naming it.
 */
export function augmentSettings(options: AugmentOptions = {}): AugmentSettings {
  const given = Object.entries(options).filter(([name, value]) => Object.hasOwn(DEFAULTS, name) && value !== undefined);
  const settings: AugmentSettings = { ...DEFAULTS, ...Object.fromEntries(given) };
  for (const [name, bound] of Object.entries(least)) {
    const value = settings[name as keyof typeof least];
    if (typeof value !== 'number' || !Number.isFinite(value) || value < bound) {
      throw new UsageError(`The augmentation's ${name} is ${value}.`, {
        remedy: `Use a number of at least ${bound}.`,
      });
    }
  }
  return settings;
}

/** No augmentation: every sample is a plain crop. */
export const NO_AUGMENTATION: AugmentOptions = {
  flip: false,
  turn: false,
  warpFraction: 0,
  intensityFraction: 0,
};
