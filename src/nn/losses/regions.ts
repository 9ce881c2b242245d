import type { Loss } from './loss.ts';

/** The classes of a region, and the channel of the logits that is of it. */
interface Region {
  readonly classes: readonly number[];
  readonly shownAs: number;
}

/**
 * The loss of regions that may overlap: the mean over them of a loss of one channel, whose foreground are the pixels of
 * all classes of the region. As in nnU-Net (Isensee et al. 2021), with "dice-ce". The other channels have no loss.
 */
export function byRegion(loss: Loss, regions: readonly Region[]): Loss {
  return (b, logits, { labels, weights }) => {
    const terms = regions.map(({ classes, shownAs }) => {
      const isOf = classes.map((own) => {
        const value = b.constant({ dtype: 'int32', shape: [], data: Int32Array.of(own) });
        return b.op('Cast', [b.op('Equal', [labels, value])], { to: 'int32' });
      });
      const inside = isOf.reduce((sum, each) => b.add(sum, each));
      return loss(b, b.slice(logits, [shownAs], [shownAs + 1], [1]), { labels: inside, weights });
    });
    return b.mul(
      terms.reduce((sum, term) => b.add(sum, term)),
      b.scalar(1 / regions.length),
    );
  };
}
