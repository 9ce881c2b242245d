/** What a package says of a network that gives stars or flows: apart from the rest, since a page packages none. */

import type { PackagedMaps } from '../export/bioimageio/package.ts';
import type { ModelMetadata } from '../models/metadata.ts';

/** As `StarOptions` has them where nothing else is known. */
const [USUAL_THRESHOLD, USUAL_OVERLAP] = [0.5, 0.4];

/** Undefined for a network of classes. */
export function packagedMaps({ maps, separation }: ModelMetadata): PackagedMaps | undefined {
  if (maps === undefined) return undefined;
  if (maps.by === 'flows') {
    return {
      id: maps.by,
      channels: ['flow_y', 'flow_x', 'cell'],
      said: 'The output is, for each pixel, the flow along y and x (five times a unit vector) and the logit of whether it is in an object, as of Cellpose.',
    };
  }
  const { by, rays } = maps;
  return {
    id: by,
    channels: ['probability', ...Array.from({ length: rays }, (_, k) => `distance_${k}`)],
    said: `The output is, for each pixel, the probability of the middle of an object and the distances in pixels to its border along ${rays} rays, as of StarDist.`,
    // Where StarDist writes how objects are found.
    config: {
      stardist: {
        thresholds: { prob: separation?.threshold ?? USUAL_THRESHOLD, nms: USUAL_OVERLAP },
        config: { n_dim: 2, n_rays: rays, grid: [1, 1] },
      },
    },
  };
}
