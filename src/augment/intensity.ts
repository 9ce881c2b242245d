import { gaussianBlur } from '../array/gaussian.ts';
import type { Random } from '../array/random.ts';
import type { AugmentSettings } from './options.ts';

const TABLE = 1024;

/**
 * Changes the brightness of one patch [channels, height, width] in place: blur, then gamma, contrast and brightness as
 * one tone curve, then noise. Each change is sampled independently and applied to a fraction `intensityFraction` of the
 * samples; all channels change alike, except for the noise.
 *
 *     u = (v - min) / (max - min)
 *     v' = mean + contrast (min + (max - min) u^gamma - mean) + brightness
 */
export function changeIntensity(
  random: Random,
  patch: Float32Array,
  [channels, height, width]: readonly [number, number, number],
  { intensityFraction, brightness, contrast, gamma, noise, blurPx }: AugmentSettings,
): void {
  const chance = (): boolean => random.uniform() < intensityFraction;
  // All numbers are sampled whether used or not, so that one strength does not affect the random numbers of the others.
  const blur = { on: chance(), value: blurPx * random.uniform() };
  const curve = { on: chance(), value: gamma ** random.between(-1, 1) };
  const stretch = { on: chance(), value: contrast ** random.between(-1, 1) };
  const shift = { on: chance(), value: random.between(-brightness, brightness) };
  const grain = { on: chance(), value: noise * random.uniform() };

  // A narrower kernel makes no difference in float32.
  if (blur.on && blur.value > 0.2) {
    const pixels = height * width;
    for (let c = 0; c < channels; c++)
      gaussianBlur(patch.subarray(c * pixels, (c + 1) * pixels), height, width, blur.value);
  }

  const power = curve.on ? curve.value : 1;
  const factor = stretch.on ? stretch.value : 1;
  const offset = shift.on ? shift.value : 0;
  if (power !== 1 || factor !== 1 || offset !== 0) applyCurve(patch, power, factor, offset);
  if (grain.on && grain.value > 0) addNoise(random, patch, grain.value);
}

function applyCurve(patch: Float32Array, power: number, factor: number, offset: number): void {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < patch.length; i++) {
    const value = patch[i];
    if (value < low) low = value;
    if (value > high) high = value;
    sum += value;
  }
  const range = high - low;
  const mean = sum / patch.length;
  if (!(range > 0)) {
    for (let i = 0; i < patch.length; i++) patch[i] = patch[i] + offset;
    return;
  }
  const table = new Float32Array(TABLE + 2);
  for (let i = 0; i < table.length; i++) {
    table[i] = mean + factor * (low + range * (i / TABLE) ** power - mean) + offset;
  }
  const scale = TABLE / range;
  for (let i = 0; i < patch.length; i++) {
    const at = (patch[i] - low) * scale;
    const below = at | 0;
    const first = table[below];
    patch[i] = first + (at - below) * (table[below + 1] - first);
  }
}

/** Standard deviation of the sum of four independent uniform bytes. */
const BYTES_STD = Math.sqrt((4 * (256 * 256 - 1)) / 12);

/** Adds noise of the given standard deviation: the sum of four bytes of one random word, nearly normal and fast. */
function addNoise(random: Random, patch: Float32Array, std: number): void {
  const scale = std / BYTES_STD;
  for (let i = 0; i < patch.length; i++) {
    const word = (random.uniform() * 4294967296) >>> 0;
    const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24) - 510;
    patch[i] = patch[i] + scale * sum;
  }
}
