import type { Shape5 } from '../array/ndarray.ts';
import { UsageError } from '../errors.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { NetworkDefinition, NetworkSpec } from './definition.ts';
import { paddedSizes } from './sizes.ts';
import { UNET, type UnetOptions, unetOver } from './unet.ts';

/** One number for each axis of a volume. */
export type Triple = readonly [z: number, y: number, x: number];

/** U-Net of volumes with padded convolutions: the output has the size of the input. */
export interface Unet3dSpec extends UnetOptions {
  /** Channels of the image. */
  readonly channels: number;
  /** Channels of the logits. */
  readonly numClasses: number;
  /** Sides of the kernels of each level, the full resolution first; one more than `factors`. */
  readonly kernels: readonly Triple[];
  /** Factors of each downsampling step. */
  readonly factors: readonly Triple[];
}

/** As stored in a run's configuration and in a model file. */
export interface Unet3dModelSpec extends Unet3dSpec, NetworkSpec {
  readonly name: 'unet3d';
}

/** Fewest voxels along an axis at the lowest level; an axis that would be halved alone needs three times as many. */
const LOWEST = 4;
const DEEPEST = 5;
/** Spacings below this many times the smallest count as alike. */
const ALIKE = 2;

/**
 * Kernels and downsampling for voxels that are not cubes, as nnU-Net plans them (Isensee et al. 2021;
 * `get_pool_and_conv_props`): along an axis whose spacing is at least twice the smallest, kernels have a side of 1 and slices
 * are kept, until downsampling along the others has made the spacings alike. Each axis is halved while 4 voxels of the patch
 * are left, in at most 5 steps.
 * @param spacing of a voxel along each axis, in any one unit
 * @param patch voxels of a patch along each axis
 * @returns the plan, and the patch rounded down to sizes that the network takes
 * @throws UsageError for a patch that is not of whole voxels, or a spacing that is not positive
 *
 * @example planUnet3d([5, 0.7, 0.7], [32, 128, 128]).kernels[0] // [1, 3, 3]
 */
export function planUnet3d(
  spacing: Triple,
  patch: Triple,
): Pick<Unet3dSpec, 'kernels' | 'factors'> & { readonly patch: Triple } {
  const isValid = [...spacing, ...patch].every((n) => Number.isFinite(n) && n > 0) && patch.every(Number.isInteger);
  if (!isValid) {
    throw new UsageError(
      `A patch of ${sizeText(patch)} voxels, each ${sizeText(spacing)} in size, cannot be planned for.`,
      { remedy: 'Use whole numbers of voxels, and a spacing above 0.' },
    );
  }
  const kernels: Triple[] = [];
  const factors: Triple[] = [];
  let kernel: Triple = [1, 1, 1];
  let size = spacing;
  let voxels = patch;
  while (factors.length < DEEPEST) {
    const least = Math.min(...size.filter((_, i) => voxels[i] >= 2 * LOWEST));
    const halved = AXES.filter((i) => voxels[i] >= 2 * LOWEST && size[i] / least < ALIKE);
    if (halved.length === 0 || (halved.length === 1 && voxels[halved[0]] < 3 * LOWEST)) break;
    const smallest = Math.min(...size);
    kernel = eachAxis((i) => (kernel[i] === 3 || size[i] / smallest < ALIKE ? 3 : 1));
    const factor = eachAxis((i) => (halved.includes(i) ? 2 : 1));
    kernels.push(kernel);
    factors.push(factor);
    const [finer, more] = [size, voxels];
    size = eachAxis((i) => finer[i] * factor[i]);
    voxels = eachAxis((i) => Math.floor(more[i] / factor[i]));
  }
  const multiples = multiplesOf(factors);
  return { kernels: [...kernels, [3, 3, 3]], factors, patch: eachAxis((i) => voxels[i] * multiples[i]) };
}

/** How often the most halved of these axes is. */
const halvings = (factors: readonly Triple[], ...axes: readonly (0 | 1 | 2)[]): number =>
  Math.max(...axes.map((axis) => Math.log2(multiplesOf(factors)[axis])));

const AXES = [0, 1, 2] as const;

const eachAxis = (of: (axis: 0 | 1 | 2) => number): Triple => [of(0), of(1), of(2)];

/** `128 x 128 x 32`, x first. */
const sizeText = (size: readonly number[]): string => size.toReversed().join(' x ');

/** By how much the lowest level is smaller, along each axis. */
export const multiplesOf = (factors: readonly Triple[]): Triple =>
  eachAxis((i) => factors.reduce((product, by) => product * by[i], 1));

/**
 * U-Net of volumes (Cicek et al. 2016, 3D U-Net), as `unet` in all but its axes: padded convolutions, upsampling by a 1x1x1
 * convolution and interpolation.
 *
 * [N, channels, D, H, W] -> [N, numClasses, D, H, W], each size a multiple of the product of its factors.
 * @throws UsageError for a size that the network does not take, naming the multiples, and for a number of kernels that is
 * not one more than that of factors
 *
 * @example
 * const { kernels, factors, patch } = planUnet3d([50, 4, 4], [16, 96, 96]);
 * const network = unet3d({ channels: 1, numClasses: 2, kernels, factors }, [1, 1, ...patch], { training: true });
 */
export function unet3d(
  spec: Unet3dSpec,
  [batch, channels, ...size]: Shape5,
  { training = false }: { readonly training?: boolean } = {},
): Network {
  const { kernels, factors } = spec;
  if (kernels.length !== factors.length + 1) {
    throw new UsageError(`A U-Net of ${factors.length + 1} levels was given ${kernels.length} kernels.`, {
      remedy: 'Give one kernel per level, one more than factors.',
    });
  }
  const multiples = multiplesOf(factors);
  if (channels !== spec.channels || size.some((side, i) => side % multiples[i] !== 0 || side < 1)) {
    throw new UsageError(`A volume of ${channels} channels and ${sizeText(size)} voxels does not fit the network.`, {
      remedy: `It takes ${spec.channels} channels, and multiples of ${sizeText(multiples)} voxels.`,
    });
  }
  const net = new NetworkBuilder('unet3d', { training });
  const input = net.input('image', 'float32', [batch, channels, ...size]);
  return unetOver(net, input, spec, {
    depth: factors.length,
    kernelAt: (level) => kernels[level],
    factorAfter: (level) => factors[level],
  });
}

const [CUBE, HALVED, FLAT]: readonly [Triple, Triple, Triple] = [
  [3, 3, 3],
  [2, 2, 2],
  [1, 2, 2],
];
/** As `planUnet3d` plans for voxels that are cubes and patches of 128 x 128 x 32; a page has it without the planner. */
const OF_CUBES = {
  kernels: [CUBE, CUBE, CUBE, CUBE, CUBE, CUBE],
  factors: [HALVED, HALVED, HALVED, FLAT, FLAT],
};

export const UNET3D: NetworkDefinition<Unet3dModelSpec> = {
  title: 'A U-Net of volumes',
  summary:
    'U-Net of volumes: the slices of a stack together, with kernels and downsampling from the spacing of the voxels',
  build: (spec, shape, options) => unet3d(spec, shape as Shape5, options),
  sizes: ({ factors }) => paddedSizes(halvings(factors, 1, 2)),
  depths: ({ factors }) => paddedSizes(halvings(factors, 0)),
  options: ['baseChannels', 'norm', 'residual'],
  typical: {
    spec: { name: 'unet3d', channels: 1, numClasses: 2, baseChannels: 16, ...OF_CUBES },
    size: [128, 128],
    slices: 32,
  },
  training: UNET.training,
};
