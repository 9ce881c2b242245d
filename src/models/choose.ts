/** Depth and width of a U-Net from the data and the time there is. */
import { graphMacs } from '../graph/analysis/cost.ts';
import { buildNetwork } from './registry.ts';
import type { UnetSpec } from './spec.ts';

export interface Circumstances {
  /** Channels of the images. */
  readonly channels: number;
  /** Channels of the logits: 1 for one foreground, else the number of classes. */
  readonly numClasses: number;
  /** Height and width of the smallest training image. */
  readonly image: readonly [number, number];
  /** Side of the patches, where the user gave it; else at most 256. */
  readonly patch?: number;
  /** Minutes of training; without it 15 are planned. */
  readonly minutes?: number;
  /** Floating-point operations a second that training reaches; default 80 GFLOP/s a core. */
  readonly flops?: number;
  readonly cores: number;
  /** Values that the user has set and that are not to be chosen. */
  readonly baseChannels?: number;
  readonly depth?: number;
}

export interface Choice {
  readonly spec: UnetSpec;
  /** Side of the patches, a size that the network takes. */
  readonly patch: number;
  /** Why, for people. */
  readonly reason: string;
}

/** Measured on one core of an EPYC with AVX-512: forward, backward and update together. */
const FLOPS_PER_CORE = 80e9;
/** Convolution channels come in blocks of 16, or of 8, so nothing between these would be faster. */
const BASES = [64, 48, 32, 16, 8] as const;
/** So many pixels of patches a network should see: about 3,000 patches of 256 x 256. */
const PIXELS_WANTED = 200e6;
/** Pixels across the lowest level that leave it something to see. */
const LOWEST = 8;
const DEEPEST = 4;

/**
 * Chooses a `unet`: as deep as the patch allows (at least 8 pixels across the lowest level, at most 4
 * halvings), and as wide as the time allows (enough pixels seen).
 */
export function chooseUnet(circumstances: Circumstances): Choice {
  const { channels, numClasses, image, minutes = 15, cores, flops = FLOPS_PER_CORE * cores } = circumstances;
  const wanted = circumstances.patch ?? Math.min(256, ...image);
  const fitting = Math.max(1, Math.min(DEEPEST, Math.floor(Math.log2(wanted / LOWEST))));
  const depth = circumstances.depth ?? fitting;
  // A patch that the user gave is left alone: if it does not fit, buildNetwork names the one that does.
  const patch = circumstances.patch ?? Math.max(1, Math.floor(wanted / 2 ** depth)) * 2 ** depth;

  const specOf = (baseChannels: number): UnetSpec => ({
    name: 'unet',
    channels,
    numClasses,
    baseChannels,
    depth,
    // Gets further in the same time: docs/networks.md.
    norm: 'weight',
  });
  const pixelsSeen = (baseChannels: number): number =>
    (minutes * 60 * flops) / trainingFlopsPerPixel(specOf(baseChannels));
  const baseChannels =
    circumstances.baseChannels ?? BASES.find((b) => pixelsSeen(b) >= PIXELS_WANTED) ?? (BASES.at(-1) as number);

  const lowest = patch / 2 ** depth;
  const deep =
    circumstances.depth === undefined
      ? `depth ${depth}, since patches of ${patch} x ${patch} pixels are then ${lowest} pixels wide at the lowest level`
      : `depth ${depth} as asked for`;
  const assumed = circumstances.minutes === undefined ? ' (no time is given)' : '';
  const time = `${minutes} minutes${assumed} on ${cores} ${cores === 1 ? 'core' : 'cores'}`;
  const seen = `about ${Math.round(pixelsSeen(baseChannels) / 1e6)} million pixels (at least ${PIXELS_WANTED / 1e6} are wanted)`;
  const enough = pixelsSeen(baseChannels) >= PIXELS_WANTED;
  const wide =
    circumstances.baseChannels === undefined
      ? `${baseChannels} channels at the first level: ${enough ? 'the widest that sees enough' : 'the narrowest there is'}; in ${time} it sees ${seen}`
      : `${baseChannels} channels as asked for`;
  return { spec: specOf(baseChannels), patch, reason: `U-Net of ${deep}, and ${wide}.` };
}

/** Forward and twice as much backward, two operations a multiplication with addition. */
function trainingFlopsPerPixel(spec: UnetSpec): number {
  const side = 2 ** (spec.depth ?? DEEPEST);
  const { builder, logits } = buildNetwork(spec, [1, spec.channels, side, side]);
  return (6 * graphMacs(builder.build([logits]))) / side ** 2;
}
