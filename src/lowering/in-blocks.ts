import { convsOfUpsampled } from './conv/of-upsampled.ts';
import type { BlockedLowering } from './lower.ts';
import { lowerBlocked } from './walk.ts';

/** Lowering to blocked kernels: apart from `lower`, so that pages, whose devices have none, do not load it. */
export function inBlocks(size: 8 | 16): BlockedLowering {
  return { size, lower: (graph, options) => lowerBlocked(convsOfUpsampled(graph), size, options) };
}
