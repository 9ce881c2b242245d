/**
 * Folders of the Cell Tracking Challenge (https://celltrackingchallenge.net/datasets): frames `01/t000.tif`, their
 * segmentation `01_GT/SEG/man_seg000.tif` (gold truth, annotated by people) or `01_ST/SEG/man_seg000.tif` (silver
 * truth, computed), and tracking markers `01_GT/TRA`, which mark cells but do not outline them.
 */

import { DatasetError } from '../../errors.ts';
import { folderOf, naturalOrder } from './names.ts';
import type { LeftOut, Pair, Pairing } from './pairing.ts';

interface Sequence {
  readonly frames: Map<number, string>;
  readonly gold: Map<number, string>;
  readonly silver: Map<number, string>;
  /** Single slices of volumes, with labels: `man_seg_000_005.tif`. */
  readonly slices: string[];
  readonly others: string[];
}

export interface CellTracking extends Pairing {
  /** Files that belong to no labelled sequence. */
  readonly rest: readonly string[];
}

const ANNOTATION = /^((?:.*\/)?\d\d)_(GT|ST)\/(SEG|TRA)\/man_(?:seg|track)/i;
const SIDE = /^((?:.*\/)?\d\d)_(GT|ST|RES|ERR_SEG)\//i;
const FRAME = /^((?:.*\/)?\d\d)\/t(\d+)\.tiff?$/i;
const WHOLE = /man_seg(\d+)\.tiff?$/i;

/**
 * Pairs the frames of each sequence with its gold truth, or with its silver truth if there is no gold.
 * @returns undefined if there is no such folder
 * @throws DatasetError if a segmentation has no frame, or there are only tracking markers or labelled slices.
 */
export function pairCellTracking(paths: readonly string[], folder: string | undefined): CellTracking | undefined {
  const sequences = new Map<string, Sequence>();
  for (const path of paths) {
    const name = ANNOTATION.exec(path)?.[1];
    if (name === undefined || sequences.has(name)) continue;
    sequences.set(name, { frames: new Map(), gold: new Map(), silver: new Map(), slices: [], others: [] });
  }
  if (sequences.size === 0) return undefined;
  const rest: string[] = [];
  for (const path of paths) {
    const frame = FRAME.exec(path);
    const [, name = '', kind = ''] = SIDE.exec(path) ?? [];
    const sequence = sequences.get(frame?.[1] ?? name);
    if (sequence === undefined) rest.push(path);
    else if (frame !== null) sequence.frames.set(Number(frame[2]), path);
    else if (!/\/SEG\/man_seg/i.test(path) || !/^[GS]T$/i.test(kind)) sequence.others.push(path);
    else {
      const number = WHOLE.exec(path)?.[1];
      if (number === undefined) sequence.slices.push(path);
      else (kind.toUpperCase() === 'GT' ? sequence.gold : sequence.silver).set(Number(number), path);
    }
  }
  const pairs: Pair[] = [];
  const unlabelled: string[] = [];
  const leftOut: LeftOut[] = [];
  for (const { frames, gold, silver, slices, others } of sequences.values()) {
    const [used, unused] = gold.size > 0 ? [gold, silver] : [silver, gold];
    if (used.size === 0) {
      const [example] = slices.length > 0 ? slices : others;
      throw new DatasetError(
        slices.length > 0
          ? `"${example}" labels a single slice of a volume, which is not supported.`
          : `"${folderOf(example)}" holds tracking markers, which do not outline cells.`,
        {
          file: folder,
          remedy: 'Add the segmentations of whole frames: SEG of the gold truth (GT) or silver truth (ST).',
        },
      );
    }
    for (const [number, label] of used) {
      const image = frames.get(number);
      if (image === undefined) {
        throw new DatasetError(`the label "${label}" has no image.`, {
          file: folder,
          remedy: `Add the frame t${String(number).padStart(3, '0')}.tif, or leave the label out.`,
        });
      }
      pairs.push({ image, label });
    }
    unlabelled.push(...[...frames].filter(([number]) => !used.has(number)).map(([, path]) => path));
    const whole = [...unused.values()].map((file) => ({ file, reason: 'silver truth, beside gold truth not used' }));
    leftOut.push(
      ...whole,
      ...slices.map((file) => ({ file, reason: 'labels of single slices, not supported' })),
      ...others.map((file) => ({ file, reason: 'tracking markers or results, no ground truth of outlines' })),
    );
  }
  return { pairs, unlabelled: unlabelled.sort(naturalOrder), leftOut, rest };
}
