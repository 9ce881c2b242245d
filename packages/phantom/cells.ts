import { type Random, stream } from 'lamella/array';

/** A cell: the centre, size and stretch of one site of the diagram, moving slowly from slice to slice. */
interface Site {
  readonly y: number;
  readonly x: number;
  readonly radius: number;
  readonly drift: readonly { readonly amplitude: number; readonly phase: number; readonly turn: number }[];
  /** Symmetric stretch of the distance, with determinant 1: [[a, b], [b, d]]. */
  readonly metric: readonly [number, number, number];
}

export interface Cells {
  /** The cell of each pixel. */
  readonly cell: Int32Array;
  /** The nearest neighbouring cell. */
  readonly neighbour: Int32Array;
  /** First-order distance to the boundary between the two, in pixels. */
  readonly borderPx: Float32Array;
  readonly count: number;
}

function drawSites(random: Random, height: number, width: number, meanCellPx: number): Site[] {
  const margin = 2 * meanCellPx;
  const sites: Site[] = [];
  const area = (height + 2 * margin) * (width + 2 * margin);
  const wanted = Math.round(area / (meanCellPx * meanCellPx));
  for (let tries = 0; sites.length < wanted && tries < 20 * wanted; tries++) {
    const y = random.between(-margin, height + margin);
    const x = random.between(-margin, width + margin);
    // Axon profiles: many small ones, a few huge.
    const radius = meanCellPx * 0.42 * Math.exp(0.62 * random.normal()) - 0.15 * meanCellPx;
    const crowded = sites.some(
      (other) => Math.hypot(other.y - y, other.x - x) < 0.34 * meanCellPx + 0.75 * Math.max(0, other.radius, radius),
    );
    const stretch = Math.min(2, Math.exp(0.28 * Math.abs(random.normal())));
    const turn = random.between(0, Math.PI);
    const c = Math.cos(turn);
    const s = Math.sin(turn);
    const phases = [0, 1, 2].map((i) => ({
      amplitude: random.between(0.4, 1),
      phase: random.between(0, 2 * Math.PI),
      turn: (2 * Math.PI) / (random.between(16, 40) / (1 + 0.2 * i)),
    }));
    if (crowded) continue;
    sites.push({
      y,
      x,
      radius,
      drift: phases,
      metric: [
        (s * s) / stretch + c * c * stretch,
        s * c * (stretch - 1 / stretch),
        (c * c) / stretch + s * s * stretch,
      ],
    });
  }
  return sites;
}

const TILE = 16;

/**
 * An additively weighted, stretched Voronoi diagram at the warped position (y + warpY, x + warpX) of every pixel of
 * slice `z`.
 *
 *     d_i(p) = |M_i (p - c_i)| - r_i,   border distance = (d_2 - d_1) / |grad d_2 - grad d_1|
 *
 * for the nearest site 1 and the second nearest 2. Sites depend only on `seed`; each moves and changes size with z.
 */
export function cellsOfSlice(
  seed: number,
  z: number,
  [height, width]: readonly [number, number],
  meanCellPx: number,
  warpY: Float32Array,
  warpX: Float32Array,
): Cells {
  const sites = drawSites(stream(seed, 'phantom sites'), height, width, meanCellPx);
  const count = sites.length;
  const wave = (site: Site, i: number): number => {
    const { amplitude, phase, turn } = site.drift[i];
    return amplitude * Math.sin(phase + turn * z);
  };
  const cy = Float64Array.from(sites, (site) => site.y + 0.22 * meanCellPx * wave(site, 0));
  const cx = Float64Array.from(sites, (site) => site.x + 0.22 * meanCellPx * wave(site, 1));
  const radii = Float64Array.from(sites, (site) => site.radius + 0.16 * meanCellPx * wave(site, 2));
  const ma = Float64Array.from(sites, (site) => site.metric[0]);
  const mb = Float64Array.from(sites, (site) => site.metric[1]);
  const md = Float64Array.from(sites, (site) => site.metric[2]);

  const cell = new Int32Array(height * width);
  const neighbour = new Int32Array(height * width);
  const borderPx = new Float32Array(height * width);
  const reach = new Float64Array(count);
  const candidates = new Int32Array(count);

  for (let tileY = 0; tileY < height; tileY += TILE) {
    for (let tileX = 0; tileX < width; tileX += TILE) {
      const endY = Math.min(height, tileY + TILE);
      const endX = Math.min(width, tileX + TILE);
      // A distance changes by at most the stretch (<= 2) times the path length: a site farther away cannot be second.
      let top = Number.POSITIVE_INFINITY;
      let left = Number.POSITIVE_INFINITY;
      let bottom = Number.NEGATIVE_INFINITY;
      let right = Number.NEGATIVE_INFINITY;
      for (let y = tileY; y < endY; y++) {
        for (let x = tileX; x < endX; x++) {
          const py = y + warpY[y * width + x];
          const px = x + warpX[y * width + x];
          if (py < top) top = py;
          if (py > bottom) bottom = py;
          if (px < left) left = px;
          if (px > right) right = px;
        }
      }
      const midY = (top + bottom) / 2;
      const midX = (left + right) / 2;
      const slack = 2.2 * Math.hypot(bottom - top, right - left);
      let best = Number.POSITIVE_INFINITY;
      let second = Number.POSITIVE_INFINITY;
      for (let i = 0; i < count; i++) {
        const dy = midY - cy[i];
        const dx = midX - cx[i];
        const my = ma[i] * dy + mb[i] * dx;
        const mx = mb[i] * dy + md[i] * dx;
        const d = Math.sqrt(my * my + mx * mx) - radii[i];
        reach[i] = d;
        if (d < best) {
          second = best;
          best = d;
        } else if (d < second) second = d;
      }
      let used = 0;
      for (let i = 0; i < count; i++) if (reach[i] <= second + slack) candidates[used++] = i;

      for (let y = tileY; y < endY; y++) {
        for (let x = tileX; x < endX; x++) {
          const p = y * width + x;
          const py = y + warpY[p];
          const px = x + warpX[p];
          let d1 = Number.POSITIVE_INFINITY;
          let d2 = Number.POSITIVE_INFINITY;
          let i1 = 0;
          let i2 = 0;
          for (let k = 0; k < used; k++) {
            const i = candidates[k];
            const dy = py - cy[i];
            const dx = px - cx[i];
            const my = ma[i] * dy + mb[i] * dx;
            const mx = mb[i] * dy + md[i] * dx;
            const d = Math.sqrt(my * my + mx * mx) - radii[i];
            if (d < d1) {
              d2 = d1;
              i2 = i1;
              d1 = d;
              i1 = i;
            } else if (d < d2) {
              d2 = d;
              i2 = i;
            }
          }
          let gy = 0;
          let gx = 0;
          for (let side = 0; side < 2; side++) {
            const i = side === 0 ? i1 : i2;
            const sign = side === 0 ? -1 : 1;
            const dy = py - cy[i];
            const dx = px - cx[i];
            const my = ma[i] * dy + mb[i] * dx;
            const mx = mb[i] * dy + md[i] * dx;
            const norm = sign / Math.max(1e-6, Math.sqrt(my * my + mx * mx));
            gy += norm * (ma[i] * my + mb[i] * mx);
            gx += norm * (mb[i] * my + md[i] * mx);
          }
          cell[p] = i1;
          neighbour[p] = i2;
          borderPx[p] = (d2 - d1) / Math.max(0.4, Math.sqrt(gy * gy + gx * gx));
        }
      }
    }
  }
  return { cell, neighbour, borderPx, count };
}
