import { type Image, ndarray, UsageError } from 'lamella';
import { gaussianBlur, stream } from 'lamella/array';
import { cellsOfSlice } from './cells.ts';
import { smoothNoise } from './noise.ts';
import { paintOrganelles } from './organelles.ts';

export interface PhantomOptions {
  /** The same seed produces the same stack, bit for bit. Default 0. */
  readonly seed?: number;
  /** Pixels. Default 256. */
  readonly width?: number;
  /** Pixels. Default 256. */
  readonly height?: number;
  /** Slices. Default 16. */
  readonly depth?: number;
  /** Mean distance between the centres of cells, in pixels. Default 44. */
  readonly cellPx?: number;
  /** How many organelles: 0 none, 1 as in nerve tissue (default). */
  readonly organelles?: number;
  /** Strength of shot noise: 0 none, 1 as in a serial-section micrograph (default). */
  readonly noise?: number;
}

export interface Phantom {
  /** uint8 `zyx`, spacing 4 x 4 x 50 nm. */
  readonly image: Image<'uint8'>;
  /** uint8 `zyx`: 255 inside a cell, 0 membrane. */
  readonly label: Image<'uint8'>;
}

interface Slice {
  readonly image: Uint8Array;
  readonly label: Uint8Array;
}

function added(a: Float32Array, scaleA: number, b: Float32Array, scaleB: number): Float32Array {
  const out = new Float32Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = scaleA * a[i] + scaleB * b[i];
  return out;
}

/** Brightness at which stain begins to saturate. */
const DARKEST = 72;

function phantomSlice(z: number, options: Required<PhantomOptions>): Slice {
  const { seed, width, height, cellPx, organelles, noise } = options;
  const size = [height, width] as const;
  const pixels = height * width;
  const field = (purpose: string, wavelengthPx: number, wavelengthSlices: number): Float32Array =>
    smoothNoise(seed, purpose, z, size, { wavelengthPx, wavelengthSlices });

  const warpY = added(field('warp y', 0.9 * cellPx, 9), 0.17 * cellPx, field('fine warp y', 15, 3), 2.1);
  const warpX = added(field('warp x', 0.9 * cellPx, 9), 0.17 * cellPx, field('fine warp x', 15, 3), 2.1);
  const cells = cellsOfSlice(seed, z, size, cellPx, warpY, warpX);

  // Brightness: cytoplasm, its own level for each cell, coarse and fine texture.
  const tone = Float32Array.from({ length: cells.count }, (_, i) => 14 * stream(seed, 'phantom tone', 0, i).normal());
  const cloud = field('cloud', 26, 4);
  const grain = field('grain', 3.4, 1);
  const values = new Float32Array(pixels);
  for (let p = 0; p < pixels; p++) {
    values[p] = 146 + tone[cells.cell[p]] + 11 * cloud[p] + 9 * grain[p];
  }
  paintOrganelles(values, size, cells, { seed, z, density: organelles });

  // Stain saturates: organelles on top of each other end up as dark as a membrane, not black.
  for (let p = 0; p < pixels; p++) {
    const value = values[p];
    if (value < DARKEST) values[p] = DARKEST - 0.3 * (DARKEST - value);
  }

  // Membranes: a dark band of varying width and depth; where the cut is oblique, wide, faint and fuzzy.
  const widthNoise = field('membrane width', 22, 3);
  const depthNoise = field('membrane depth', 30, 3);
  const obliqueNoise = field('oblique', 46, 2.5);
  const smearNoise = field('smear', 34, 2);
  const fineNoise = field('membrane grain', 4, 1);
  const label = new Uint8Array(pixels);
  for (let p = 0; p < pixels; p++) {
    const border = cells.borderPx[p];
    const oblique = Math.min(1, Math.max(0, (obliqueNoise[p] - 1.25) / 0.5));
    const halfWidth = Math.max(1.5, 2.5 + 0.5 * widthNoise[p]) * (1 + 0.9 * oblique);
    label[p] = border > halfWidth + 0.35 ? 255 : 0;
    const darkness = Math.max(56, 88 + 13 * depthNoise[p]) * (1 - 0.28 * oblique);
    const t = border / halfWidth;
    let dark = darkness * Math.exp(-0.75 * t * t * Math.sqrt(t + 0.2)) * (1 + 0.16 * fineNoise[p]);
    // Synaptic densities: a dark smear that spreads from a membrane into the adjacent cells.
    const smear = Math.min(1, Math.max(0, (smearNoise[p] - 1.3) / 0.6));
    dark += smear * 55 * Math.exp(-border / 7) * (1 + 0.3 * fineNoise[p]);
    const under = Math.max(58, values[p] - dark);
    values[p] = Math.min(under, values[p] - 0.4 * dark);
  }

  gaussianBlur(values, height, width, 0.8);

  // Shot noise grows with the square root of the brightness; the detector's point spread correlates neighbours.
  const shot = new Float32Array(pixels);
  const random = stream(seed, 'phantom shot', z);
  for (let p = 0; p < pixels; p++) shot[p] = random.normal();
  gaussianBlur(shot, height, width, 0.85);
  const light = field('illumination', 120, 3);
  const slice = stream(seed, 'phantom exposure', z);
  const gain = 1 + 0.05 * slice.normal();
  const offset = 4 * slice.normal();
  const image = new Uint8Array(pixels);
  for (let p = 0; p < pixels; p++) {
    const bright = values[p] * gain * (1 + 0.085 * light[p]) + offset;
    const value = bright + noise * 2.7 * Math.sqrt(Math.max(1, bright)) * shot[p];
    image[p] = Math.min(255, Math.max(0, Math.round(value)));
  }
  return { image, label };
}

/**
 * A synthetic serial-section electron micrograph of nerve tissue with its labels: cells of varied size by a warped,
 * weighted Voronoi diagram that changes smoothly from slice to slice, membranes of varying width and contrast,
 * organelles that look like membranes, texture, shot noise, blur and uneven illumination. A plain threshold fails on
 * it. Slice z depends only on the seed, the size and z, not on `depth`.
 *
 * @throws UsageError for a size below 16 px, a depth below 1, or values that are not finite.
 * @example const { image, label } = phantom({ seed: 1, depth: 8 });
 */
export function phantom({
  seed = 0,
  width = 256,
  height = 256,
  depth = 16,
  cellPx = 44,
  organelles = 1,
  noise = 1,
}: PhantomOptions = {}): Phantom {
  for (const [name, value, least] of [
    ['width', width, 16],
    ['height', height, 16],
    ['depth', depth, 1],
  ] as const) {
    if (!Number.isInteger(value) || value < least) {
      throw new UsageError(`A phantom's ${name} is ${value}.`, { remedy: `Give an integer of at least ${least}.` });
    }
  }
  for (const [name, value, least] of [
    ['cellPx', cellPx, 8],
    ['organelles', organelles, 0],
    ['noise', noise, 0],
  ] as const) {
    if (!Number.isFinite(value) || value < least) {
      throw new UsageError(`A phantom's ${name} is ${value}.`, { remedy: `Give a number of at least ${least}.` });
    }
  }
  const pixels = height * width;
  const image = new Uint8Array(depth * pixels);
  const label = new Uint8Array(depth * pixels);
  for (let z = 0; z < depth; z++) {
    const slice = phantomSlice(z, { seed, width, height, depth, cellPx, organelles, noise });
    image.set(slice.image, z * pixels);
    label.set(slice.label, z * pixels);
  }
  const spacing = { z: { value: 50, unit: 'nm' }, y: { value: 4, unit: 'nm' }, x: { value: 4, unit: 'nm' } };
  const shape = [depth, height, width];
  return {
    image: { ...ndarray('uint8', shape, image), axes: 'zyx', spacing, channels: ['grey'] },
    label: { ...ndarray('uint8', shape, label), axes: 'zyx', spacing },
  };
}
