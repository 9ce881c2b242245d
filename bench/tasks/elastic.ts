/** A bicubically bent image and its label, 512 x 512, through one field drawn from a 3 x 3 grid. */
import { stream } from '../../src/array/random.ts';
import { coordinates, drawGeometry } from '../../src/augment/field.ts';
import { augmentSettings, NO_AUGMENTATION } from '../../src/augment/options.ts';
import { warp } from '../../src/augment/warp.ts';
import { noise } from '../unet-step.ts';
import type { Task } from './task.ts';

export async function elasticTask({ side }: { readonly side: number }): Promise<Task> {
  const size = [side, side] as const;
  const random = noise(1);
  const image = Float32Array.from({ length: side * side }, random);
  const label = Uint8Array.from(image, (value) => (value > 0 ? 1 : 0));
  const source = { image, channels: 1, height: side, width: side, label };
  const settings = augmentSettings({ ...NO_AUGMENTATION, warpFraction: 1, elasticSigmaPx: 10, elasticGrid: 3 });
  const centre = [(side - 1) / 2, (side - 1) / 2] as const;
  let index = 0;
  return {
    run: async () => {
      const geometry = drawGeometry(stream(1, 'bench', 0, index++), size, settings);
      warp(source, coordinates(geometry, size, centre), size);
    },
  };
}
