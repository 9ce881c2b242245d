/** Chooses a 3D U-Net and its patch from the voxels, the volumes, the memory and the time. */

import { counted } from '../errors.ts';
import { graphMacs } from '../graph/analysis/cost.ts';
import type { Circumstances } from './definition.ts';
import { multiplesOf, planUnet3d, type Triple, type Unet3dModelSpec, unet3d } from './unet3d.ts';

export interface VolumeCircumstances
  extends Pick<Circumstances, 'channels' | 'numClasses' | 'minutes' | 'flops' | 'cores' | 'baseChannels'> {
  /** Of a voxel along each axis, in any one unit. */
  readonly spacing: Triple;
  /** Fewest voxels along each axis among the training volumes. */
  readonly smallest: Triple;
  /** Sides that the user set; the others are chosen. */
  readonly slices?: number | undefined;
  readonly patch?: readonly [y: number, x: number] | undefined;
  /** A network that is trained on: only the patch is chosen. */
  readonly spec?: Unet3dModelSpec | undefined;
  /** Bytes that a step may take, and what it takes. Default: no limit. */
  readonly memory?: { readonly bytes: number; stepBytes(spec: Unet3dModelSpec, patch: Triple): number } | undefined;
}

export interface VolumeChoice {
  readonly spec: Unet3dModelSpec;
  readonly patch: Triple;
  /** Why, as printed lines. */
  readonly reasons: readonly string[];
}

/** Voxels of a patch: two cores of 2020 take about half a second for a step of 16 channels. */
const VOXELS = 2 ** 18;
/** Below this a patch shows hardly anything. */
const FEWEST_VOXELS = 2 ** 12;
const BASES = [32, 24, 16, 8] as const;
/** As for images: about 800 patches of 2^18 voxels. */
const VOXELS_WANTED = 200e6;
const FLOPS_PER_CORE = 80e9;
/** nnU-Net's limit of 320 channels over its 32 at the first level. */
const WIDEST = 10;

/** Sides of a patch of at most so many voxels: cut where it is longest in space, so that it nears a cube. */
function cubeWithin(spacing: Triple, sides: Triple, voxels: number): Triple {
  const patch = [...sides] as [number, number, number];
  while (patch[0] * patch[1] * patch[2] > voxels) {
    const lengths = patch.map((side, i) => (side > 1 ? side * spacing[i] : 0));
    const longest = lengths.indexOf(Math.max(...lengths)) as 0 | 1 | 2;
    patch[longest] = patch[longest] - Math.max(1, Math.floor(patch[longest] / 32));
  }
  return patch;
}

/** `128 x 128 x 16`, x first. */
export const sidesText = (sides: readonly number[]): string => sides.toReversed().join(' x ');

/**
 * A patch as near to a cube in space as the volumes allow, of at most 262,144 voxels and what fits into memory; kernels and
 * downsampling by `planUnet3d`; and as many channels as see 200 million voxels in the time. A side that the user set is
 * kept.
 */
export function chooseUnet3d(circumstances: VolumeCircumstances): VolumeChoice {
  const { memory } = circumstances;
  let voxels = VOXELS;
  let choice = within(circumstances, voxels);
  const isFree = circumstances.patch === undefined || circumstances.slices === undefined;
  let cut = false;
  while (
    memory !== undefined &&
    isFree &&
    voxels > FEWEST_VOXELS &&
    memory.stepBytes(choice.spec, choice.patch) > memory.bytes
  ) {
    voxels /= 2;
    cut = true;
    choice = within(circumstances, voxels);
  }
  const why = cut
    ? `of at most ${voxels.toLocaleString('en')} voxels, since more take more than the ${gigabytes((memory as NonNullable<typeof memory>).bytes)} of memory there are`
    : `of at most ${voxels.toLocaleString('en')} voxels`;
  const isSet = circumstances.patch !== undefined || circumstances.slices !== undefined;
  const size = isSet
    ? `patch ${sidesText(choice.patch)} as asked for`
    : `patch ${sidesText(choice.patch)}: as near to a cube in space as the smallest volume, ${sidesText(circumstances.smallest)}, allows, ${why}`;
  return { ...choice, reasons: [...choice.reasons, size] };
}

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toPrecision(2)} GB`;

function within(circumstances: VolumeCircumstances, voxels: number): VolumeChoice {
  const { spacing, smallest, slices, patch: [tall, wide] = [], spec: given } = circumstances;
  const free: Triple = [slices ?? smallest[0], tall ?? smallest[1], wide ?? smallest[2]];
  const cut = cubeWithin(spacing, free, voxels);
  const wanted: Triple = [slices ?? cut[0], tall ?? cut[1], wide ?? cut[2]];
  if (given !== undefined) {
    const multiples = multiplesOf(given.factors);
    const fitting = wanted.map((side, i) => {
      const isSet = i === 0 ? slices !== undefined : tall !== undefined;
      return isSet ? side : Math.max(1, Math.floor(side / multiples[i])) * multiples[i];
    }) as unknown as Triple;
    return { spec: given, patch: fitting, reasons: [] };
  }
  const { kernels, factors, patch: planned } = planUnet3d(spacing, wanted);
  // What the user set stays, and is refused by the network if it does not fit.
  const patch: Triple = [slices ?? planned[0], tall ?? planned[1], wide ?? planned[2]];
  const { base, reason } = chooseBase(circumstances, { kernels, factors }, planned);
  return {
    spec: specOf(circumstances, { kernels, factors }, base),
    patch,
    reasons: [planText(kernels, factors), reason],
  };
}

type Plan = Pick<Unet3dModelSpec, 'kernels' | 'factors'>;

const specOf = (
  { channels, numClasses }: Pick<VolumeCircumstances, 'channels' | 'numClasses'>,
  plan: Plan,
  baseChannels: number,
): Unet3dModelSpec => ({
  name: 'unet3d',
  channels,
  numClasses,
  baseChannels,
  maxChannels: WIDEST * baseChannels,
  // Gets further in the same time: docs/networks.md.
  norm: 'weight',
  ...plan,
});

function chooseBase(
  circumstances: VolumeCircumstances,
  plan: Plan,
  patch: Triple,
): { readonly base: number; readonly reason: string } {
  const { minutes = 15, cores, flops = FLOPS_PER_CORE * cores, baseChannels } = circumstances;
  if (baseChannels !== undefined) return { base: baseChannels, reason: `${baseChannels} channels as asked for` };
  const seen = (base: number): number => {
    const { builder, logits } = unet3d(specOf(circumstances, plan, base), [1, circumstances.channels, ...patch]);
    // The forward pass and twice as much for the backward pass, two operations per MAC.
    const perVoxel = (6 * graphMacs(builder.build([logits]))) / (patch[0] * patch[1] * patch[2]);
    return (minutes * 60 * flops) / perVoxel;
  };
  const base = BASES.find((one) => seen(one) >= VOXELS_WANTED) ?? (BASES.at(-1) as number);
  const time =
    circumstances.minutes === undefined
      ? `${counted(minutes, 'minute')} (no time is given)`
      : counted(minutes, 'minute');
  const how = seen(base) >= VOXELS_WANTED ? 'the widest that sees enough' : 'the narrowest there is';
  return {
    base,
    reason: `${base} channels at the first level: ${how}; in ${time} it sees about ${Math.round(seen(base) / 1e6)} million voxels (at least ${VOXELS_WANTED / 1e6} are wanted)`,
  };
}

/** `1 x 3 x 3`, z first, as kernels are written. */
const kernelText = (kernel: Triple): string => kernel.join(' x ');

function planText(kernels: readonly Triple[], factors: readonly Triple[]): string {
  const runs: { kernel: string; levels: number }[] = [];
  for (const kernel of kernels.map(kernelText)) {
    const last = runs.at(-1);
    if (last?.kernel === kernel) last.levels++;
    else runs.push({ kernel, levels: 1 });
  }
  const levels = runs
    .map(({ kernel, levels: count }) => `${counted(count, 'level')} of ${kernel} kernels`)
    .join(', then ');
  const halved = multiplesOf(factors);
  return `U-Net of volumes: ${levels} (z, y, x), halved ${['z', 'y', 'x'].map((axis, i) => `${Math.log2(halved[i])} times along ${axis}`).join(', ')}, by the spacing of the voxels`;
}
