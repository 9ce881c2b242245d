/** The weights of a sampled Gaussian truncated at three standard deviations, summing to 1; length 2r+1. */
export function gaussianKernel(sigmaPx: number): Float32Array {
  const radius = Math.max(1, Math.ceil(3 * sigmaPx));
  const kernel = new Float32Array(2 * radius + 1);
  let sum = 0;
  for (let i = -radius; i <= radius; i++) {
    const weight = Math.exp(-(i * i) / (2 * sigmaPx * sigmaPx));
    kernel[i + radius] = weight;
    sum += weight;
  }
  for (let i = 0; i < kernel.length; i++) kernel[i] = kernel[i] / sum;
  return kernel;
}

/** Index `i` mirrored into 0..n-1 with the edge sample repeated (d c b a | a b c d | d c b a), at any distance. */
export function mirrorIndex(i: number, n: number): number {
  const period = 2 * n;
  const m = ((i % period) + period) % period;
  return m < n ? m : period - 1 - m;
}

/** The part of an axis of `n` pixels that those from `start` on show, mirrored at its ends: its first pixel, and how many. */
export function mirroredReach(start: number, length: number, n: number): readonly [first: number, count: number] {
  let least = n;
  let most = -1;
  for (let i = start; i < start + length; i++) {
    const at = mirrorIndex(i, n);
    least = Math.min(least, at);
    most = Math.max(most, at);
  }
  return [least, most + 1 - least];
}

/**
 * Blurs one plane [height, width] in place by a Gaussian, mirrored at the borders. `sigmaPx` <= 0 leaves it unchanged.
 */
export function gaussianBlur(plane: Float32Array, height: number, width: number, sigmaPx: number): void {
  if (!(sigmaPx > 0)) return;
  const kernel = gaussianKernel(sigmaPx);
  const radius = (kernel.length - 1) / 2;
  const padded = new Float32Array(width + 2 * radius);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < padded.length; x++) padded[x] = plane[row + mirrorIndex(x - radius, width)];
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += kernel[k] * padded[x + k];
      plane[row + x] = sum;
    }
  }
  const source = plane.slice();
  plane.fill(0);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let k = 0; k < kernel.length; k++) {
      const weight = kernel[k];
      const from = mirrorIndex(y + k - radius, height) * width;
      for (let x = 0; x < width; x++) plane[row + x] = plane[row + x] + weight * source[from + x];
    }
  }
}
