import { stream } from 'lamella/array';
import type { Cells } from './cells.ts';

/** One slice of values (brightness), darkened in place by the organelle painters. */
interface Canvas {
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly cells: Cells;
}

/** Calls `paint` for every pixel of the square around (y, x) that is in the canvas and in the cell at its centre. */
function insideCell(
  canvas: Canvas,
  y: number,
  x: number,
  reachPx: number,
  marginPx: number,
  paint: (p: number, dy: number, dx: number) => void,
): void {
  const { height, width, cells } = canvas;
  const centreY = Math.round(y);
  const centreX = Math.round(x);
  const clampedY = Math.min(height - 1, Math.max(0, centreY));
  const clampedX = Math.min(width - 1, Math.max(0, centreX));
  const owner = cells.cell[clampedY * width + clampedX];
  const top = Math.max(0, Math.floor(y - reachPx));
  const bottom = Math.min(height - 1, Math.ceil(y + reachPx));
  const left = Math.max(0, Math.floor(x - reachPx));
  const right = Math.min(width - 1, Math.ceil(x + reachPx));
  for (let py = top; py <= bottom; py++) {
    for (let px = left; px <= right; px++) {
      const p = py * width + px;
      if (cells.cell[p] === owner && cells.borderPx[p] > marginPx) paint(p, py - y, px - x);
    }
  }
}

function darken(values: Float32Array, p: number, amount: number): void {
  values[p] = values[p] - amount;
}

/** Smooth step from 1 (t <= -1) to 0 (t >= 1). */
function soft(t: number): number {
  if (t <= -1) return 1;
  if (t >= 1) return 0;
  return 0.5 - 0.25 * t * (3 - t * t);
}

/** Mitochondria: dark ellipses with a darker double rim and cristae across them; most last several slices. */
function mitochondria(canvas: Canvas, seed: number, z: number, perPx: number): void {
  const { values, height, width } = canvas;
  const random = stream(seed, 'phantom mitochondria');
  const layers = 40;
  const number = Math.round(perPx * height * width * layers);
  for (let i = 0; i < number; i++) {
    const y = random.between(0, height);
    const x = random.between(0, width);
    const centreZ = random.between(0, layers);
    const halfDepth = random.between(2, 7);
    const long = random.between(11, 30);
    const wide = random.between(7, 14);
    const turn = random.between(0, Math.PI);
    const depthDark = random.between(22, 46);
    const rim = random.between(18, 42);
    const pitch = random.between(4.2, 7);
    const cristae = random.between(8, 24);
    const bend = random.between(-0.03, 0.03);
    const phase = random.between(0, 6);
    let dz = (((z - centreZ) % layers) + layers) % layers;
    if (dz > layers / 2) dz -= layers;
    const shrink = 1 - (dz / halfDepth) ** 2;
    if (shrink <= 0.05) continue;
    const scale = Math.sqrt(shrink);
    const c = Math.cos(turn);
    const s = Math.sin(turn);
    insideCell(canvas, y, x, long * 1.3, 5, (p, dy, dx) => {
      const u = c * dx + s * dy;
      const v = -s * dx + c * dy + bend * u * u;
      const radius = Math.sqrt((u / (long * scale)) ** 2 + (v / (wide * scale)) ** 2);
      const edgePx = (radius - 1) * wide * scale;
      if (edgePx > 3) return;
      const stripe = Math.sin((2 * Math.PI * (u + 0.8 * Math.sin(v / 3) + phase)) / pitch);
      const body = soft(edgePx / 1.5) * (depthDark + cristae * stripe * soft((edgePx + 3) / 1.5));
      darken(values, p, body + rim * Math.exp(-(((edgePx + 0.5) / 1.4) ** 2)));
    });
  }
}

/** Vesicles: rings of 3 to 5 px radius, in clusters within a cell. */
function vesicles(canvas: Canvas, seed: number, z: number, perPx: number): void {
  const { values, height, width } = canvas;
  const random = stream(seed, 'phantom vesicles', z);
  const clusters = Math.round(perPx * height * width);
  for (let i = 0; i < clusters; i++) {
    const y = random.between(0, height);
    const x = random.between(0, width);
    const members = 1 + random.integer(9);
    const spread = 4 + 3.2 * Math.sqrt(members);
    for (let k = 0; k < members; k++) {
      const vy = y + spread * random.normal();
      const vx = x + spread * random.normal();
      const radius = random.between(2.2, 4.6);
      const rim = random.between(22, 52);
      const core = random.between(-6, 10) + (random.uniform() < 0.12 ? 40 : 0);
      insideCell(canvas, vy, vx, radius + 3, 3, (p, dy, dx) => {
        const edge = Math.sqrt(dy * dy + dx * dx) - radius;
        darken(values, p, rim * Math.exp(-((edge / 0.95) ** 2)) + core * soft(edge + 1));
      });
    }
  }
}

/** Dark granules and cross sections of microtubules. */
function granules(canvas: Canvas, seed: number, z: number, perPx: number): void {
  const { values, height, width } = canvas;
  const random = stream(seed, 'phantom granules', z);
  const number = Math.round(perPx * height * width);
  for (let i = 0; i < number; i++) {
    const y = random.between(0, height);
    const x = random.between(0, width);
    const large = random.uniform() < 0.06;
    const sigma = large ? random.between(2.5, 5) : random.between(0.9, 1.6);
    const dark = large ? random.between(25, 60) : random.between(18, 56);
    insideCell(canvas, y, x, 3 * sigma, 2.5, (p, dy, dx) => {
      darken(values, p, dark * Math.exp(-(dy * dy + dx * dx) / (2 * sigma * sigma)));
    });
  }
}

/** Endoplasmic reticulum: short dark curves inside a cell, as thin and dark as a membrane, with free ends. */
function reticulum(canvas: Canvas, seed: number, z: number, perPx: number): void {
  const { values, height, width } = canvas;
  const random = stream(seed, 'phantom reticulum', Math.floor(z / 2));
  const number = Math.round(perPx * height * width);
  for (let i = 0; i < number; i++) {
    const y = random.between(0, height);
    const x = random.between(0, width);
    const turn = random.between(0, 2 * Math.PI);
    const half = random.between(7, 20);
    const bend = random.between(-0.028, 0.028);
    const dark = random.between(22, 50);
    const widthPx = random.between(0.9, 1.6);
    const c = Math.cos(turn);
    const s = Math.sin(turn);
    insideCell(canvas, y, x, half + 4, 6, (p, dy, dx) => {
      const u = c * dx + s * dy;
      const v = -s * dx + c * dy + bend * u * u;
      const along = Math.abs(u) / half;
      if (along < 1) darken(values, p, dark * (1 - along ** 4) * Math.exp(-((v / widthPx) ** 2)));
    });
  }
}

/**
 * Paints everything inside cells that a threshold would mistake for a membrane. `density` 1 is that of nerve tissue.
 */
export function paintOrganelles(
  values: Float32Array,
  [height, width]: readonly [number, number],
  cells: Cells,
  { seed, z, density }: { readonly seed: number; readonly z: number; readonly density: number },
): void {
  const canvas: Canvas = { values, height, width, cells };
  reticulum(canvas, seed, z, 0.0011 * density);
  granules(canvas, seed, z, 0.006 * density);
  vesicles(canvas, seed, z, 0.0016 * density);
  mitochondria(canvas, seed, z, 0.00008 * density);
}
