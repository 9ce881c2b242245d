import { bicubicField, stream } from 'lamella/array';

export interface NoiseOptions {
  /** Distance between independent values in the plane, in pixels. */
  readonly wavelengthPx: number;
  /** Slices after which the plane is independent of the first. */
  readonly wavelengthSlices: number;
}

/**
 * A smooth random plane [height, width] of standard deviation about 0.8 that changes smoothly with the
 * slice `z`: normal values on a lattice, blended between two lattice planes and interpolated bicubically.
 */
export function smoothNoise(
  seed: number,
  purpose: string,
  z: number,
  [height, width]: readonly [number, number],
  { wavelengthPx, wavelengthSlices }: NoiseOptions,
): Float32Array {
  const rows = Math.ceil(height / wavelengthPx) + 4;
  const columns = Math.ceil(width / wavelengthPx) + 4;
  const depth = z / wavelengthSlices;
  const below = Math.floor(depth);
  const angle = (depth - below) * (Math.PI / 2);
  const lattice = new Float32Array(rows * columns);
  // cos^2 + sin^2 = 1, so the blend keeps its variance.
  for (const [plane, weight] of [
    [below, Math.cos(angle)],
    [below + 1, Math.sin(angle)],
  ] as const) {
    if (weight < 1e-9) continue;
    const random = stream(seed, `phantom ${purpose}`, plane);
    for (let i = 0; i < lattice.length; i++) lattice[i] = lattice[i] + weight * random.normal();
  }
  const step = 1 / wavelengthPx;
  return bicubicField(lattice, [rows, columns], [height, width], { startY: 1, startX: 1, stepY: step, stepX: step });
}
