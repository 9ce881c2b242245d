/** Images for those who have none at hand: sections of synthetic tissue, made here. */

import { page, writePng } from 'lamella';
import { phantom } from 'lamella/phantom';
import type { GivenFile } from 'lamella/studio';

const SLICES = 4;

export async function example(): Promise<readonly GivenFile[]> {
  const { image } = phantom({ seed: 7, width: 512, height: 512, depth: SLICES });
  return Array.from({ length: SLICES }, (_, z) => ({
    path: `section-${z + 1}.png`,
    content: writePng(page(image, z)),
  }));
}
