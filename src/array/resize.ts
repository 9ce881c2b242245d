/** Resizing of planes, with smoothing where they shrink, to avoid aliasing. */

/** The sources of one axis: for each target, the first source index and the weights from there on. */
interface AxisWeights {
  readonly first: Int32Array;
  readonly weights: readonly Float32Array[];
}

/**
 * Weights of linear interpolation, widened when shrinking (a triangle over 2/scale pixels, as Pillow's BILINEAR):
 * target pixel i is at (i + 0.5 - target/2) / scale + source/2.
 */
function axisWeights(source: number, target: number, scale: number): AxisWeights {
  const reach = Math.max(1, 1 / scale);
  const first = new Int32Array(target);
  const weights: Float32Array[] = [];
  for (let i = 0; i < target; i++) {
    const centre = (i + 0.5 - target / 2) / scale + source / 2;
    const low = Math.min(source - 1, Math.max(0, Math.floor(centre - reach + 0.5)));
    const high = Math.max(low + 1, Math.min(source, Math.floor(centre + reach + 0.5)));
    const row = new Float32Array(high - low);
    let sum = 0;
    for (let j = low; j < high; j++) {
      const weight = Math.max(0, 1 - Math.abs(j + 0.5 - centre) / reach);
      row[j - low] = weight;
      sum += weight;
    }
    for (let j = 0; j < row.length; j++) row[j] = sum > 0 ? row[j] / sum : 1 / row.length;
    first[i] = low;
    weights.push(row);
  }
  return { first, weights };
}

type Sides = readonly [height: number, width: number];

/**
 * Scales planes [channels, height, width] to cover [targetHeight, targetWidth], and crops the centre. Values stay
 * within the range of the source.
 */
export function resizeToCover(planes: ArrayLike<number>, channels: number, from: Sides, to: Sides): Float32Array {
  const scale = Math.max(to[0] / from[0], to[1] / from[1]);
  return resizeBy(planes, channels, from, to, [scale, scale]);
}

/** Scales planes [channels, height, width] to [targetHeight, targetWidth]. Values stay within the range of the source. */
export const resize = (planes: ArrayLike<number>, channels: number, from: Sides, to: Sides): Float32Array =>
  resizeBy(planes, channels, from, to, [to[0] / from[0], to[1] / from[1]]);

function resizeBy(
  planes: ArrayLike<number>,
  channels: number,
  [height, width]: Sides,
  [targetHeight, targetWidth]: Sides,
  [scaleY, scaleX]: readonly [y: number, x: number],
): Float32Array {
  const rows = axisWeights(height, targetHeight, scaleY);
  const columns = axisWeights(width, targetWidth, scaleX);
  const out = new Float32Array(channels * targetHeight * targetWidth);
  const narrow = new Float32Array(height * targetWidth);
  for (let c = 0; c < channels; c++) {
    const from = c * height * width;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < targetWidth; x++) {
        const weights = columns.weights[x];
        const at = from + y * width + columns.first[x];
        let sum = 0;
        for (let j = 0; j < weights.length; j++) sum += weights[j] * planes[at + j];
        narrow[y * targetWidth + x] = sum;
      }
    }
    const to = c * targetHeight * targetWidth;
    for (let y = 0; y < targetHeight; y++) {
      const weights = rows.weights[y];
      const at = rows.first[y] * targetWidth;
      for (let x = 0; x < targetWidth; x++) {
        let sum = 0;
        for (let j = 0; j < weights.length; j++) {
          sum += weights[j] * narrow[at + j * targetWidth + x];
        }
        out[to + y * targetWidth + x] = sum;
      }
    }
  }
  return out;
}
