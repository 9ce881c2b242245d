import type { TrainingSetup } from './tasks/segmentation/setup.ts';

const times = (count: number, what: string): string => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/**
 * Watches Rosenblatt's rule, one image a step: a step without a gradient was no correction, and as many of them in a
 * row as there are images are a pass without a mistake, after which nothing can change any more.
 */
export function convergence(images: number): NonNullable<TrainingSetup['watch']> {
  let steps = 0;
  let corrections = 0;
  let right = 0;
  /** Of the last pass, by place. */
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
      return `converged: everything is on its side after ${times(corrections, 'correction')} in ${times(passes, 'pass').replace(/passs$/, 'passes')}`;
    },
    verdict: () => {
      const left = recent.reduce((sum, wrong) => sum + wrong, 0);
      const passes = Math.floor(steps / images);
      return (
        `did not converge: ${times(corrections, 'correction')} in ${passes} passes, ${left} in the last one; ` +
        'no line or plane may divide these classes'
      );
    },
  };
}
