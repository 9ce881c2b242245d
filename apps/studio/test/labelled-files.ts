/** Small labelled images to train on, and what a run on them has logged. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Image, writePng } from 'lamella';
import { phantom } from 'lamella/phantom';
import { page as pageOf } from '../../../src/image/convert.ts';
import { parseLog } from '../../../src/train/log.ts';

/** Four images of 64 x 64 pixels, and their labels: 0 and 1. */
export function labelledFiles({ seed }: { readonly seed: number }): Record<string, Uint8Array> {
  const { image, label } = phantom({ width: 64, height: 64, depth: 4, cellPx: 20, seed });
  const cells: Image = { ...label, data: label.data.map((value) => (value === 0 ? 0 : 1)) };
  return Object.fromEntries(
    [0, 1, 2, 3].flatMap((z) => [
      [`images/${z}.png`, writePng(pageOf(image, z))],
      [`labels/${z}.png`, writePng(pageOf(cells, z))],
    ]),
  );
}

/** The loss of each step, as the log of a run folder has them. */
export function lossesOf(run: string): readonly (readonly [step: number, loss: number])[] {
  return parseLog(readFileSync(join(run, 'log.jsonl'), 'utf8')).flatMap((line) =>
    line.kind === 'step' ? [[line.step, line.loss] as const] : [],
  );
}
