import { elementCount, float32, type NdArray } from '../array/ndarray.ts';
import { stream } from '../array/random.ts';
import type { DropoutMask } from './network.ts';

/**
 * The dropout masks of one training step, by input name: each element is 1 / keep with probability `keep`, else 0. The
 * same seed and step produce the same masks on every device.
 */
export function drawMasks(masks: readonly DropoutMask[], seed: number, step: number): { [input: string]: NdArray } {
  return Object.fromEntries(
    masks.map(({ value, keep }, index) => {
      const random = stream(seed, 'dropout', step, index);
      const data = new Float32Array(elementCount(value.shape));
      const kept = 1 / keep;
      for (let i = 0; i < data.length; i++) data[i] = random.uniform() < keep ? kept : 0;
      return [value.name, float32(value.shape, data)];
    }),
  );
}
