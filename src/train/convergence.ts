import { counted } from '../errors.ts';
import type { TrainingSetup } from './tasks/segmentation/setup.ts';

/**
 * Monitors Rosenblatt's rule, one image per step: a step without a gradient made no correction, and as many in a row as
 * there are images are an epoch without errors, after which nothing can change.
 */
export function convergence(images: number): NonNullable<TrainingSetup['watch']> {
  let steps = 0;
  let corrections = 0;
  let right = 0;
  /** Of the last epoch, by position. */
  const recent = new Uint8Array(images);
  return {
    see: ({ gradientNorm = 0 }) => {
      const wrong = gradientNorm > 0;
      recent[steps % images] = wrong ? 1 : 0;
      steps++;
      if (wrong) corrections++;
      right = wrong ? 0 : right + 1;
      if (right < images) return undefined;
      const passes = Math.ceil(steps / images);
      return `converged: everything is on its side after ${counted(corrections, 'correction', 'en')} in ${counted(passes, 'pass', 'en').replace(/passs$/, 'passes')}`;
    },
    verdict: () => {
      const left = recent.reduce((sum, wrong) => sum + wrong, 0);
      const passes = Math.floor(steps / images);
      return (
        `did not converge: ${counted(corrections, 'correction', 'en')} in ${passes} passes, ${left} in the last one; ` +
        'no line or plane may divide these classes'
      );
    },
  };
}
