/** Where flows end: the places at which many pixels arrive, and what belongs to each. */

/** Reach of a peak: no place within so many rows and columns has more pixels. */
const PEAK_REACH = 2;
/** Pixels that a peak must have more than. */
const PEAK_LEAST = 10;
/** How far a sink reaches from its peak, over places with more than `SINK_LEAST` pixels. */
const SINK_REACH = 5;
const SINK_LEAST = 2;

/** How many pixels arrive at each place of an image, [h, w]. */
export interface Arrivals {
  readonly counts: Int32Array;
  readonly height: number;
  readonly width: number;
}

/**
 * Numbers the sinks: from each peak all places within five steps to one of the eight neighbours, each with more than
 * two pixels. A place that two peaks reach belongs to the one with more pixels; of equal ones, to the later in raster
 * order.
 * @returns [h, w]: 0 where there is none, else its number from 1
 */
export function sinksOf(arrivals: Arrivals): Int32Array {
  const { counts, height, width } = arrivals;
  const peaks = peaksOf(arrivals).sort((a, b) => counts[a] - counts[b] || a - b);
  const sinks = new Int32Array(counts.length);
  for (const [index, peak] of peaks.entries()) {
    const number = index + 1;
    sinks[peak] = number;
    let front = [peak];
    const seen = new Set(front);
    for (let step = 0; step < SINK_REACH; step++) {
      const next: number[] = [];
      for (const at of front) {
        const [y, x] = [Math.floor(at / width), at % width];
        for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
          for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
            const place = row * width + column;
            if (counts[place] <= SINK_LEAST || seen.has(place)) continue;
            seen.add(place);
            sinks[place] = number;
            next.push(place);
          }
        }
      }
      front = next;
    }
  }
  return sinks;
}

/** In raster order. */
function peaksOf({ counts, height, width }: Arrivals): number[] {
  const peaks: number[] = [];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (counts[at] <= PEAK_LEAST) continue;
      let isPeak = true;
      for (let row = Math.max(0, y - PEAK_REACH); isPeak && row <= Math.min(height - 1, y + PEAK_REACH); row++) {
        for (let column = Math.max(0, x - PEAK_REACH); column <= Math.min(width - 1, x + PEAK_REACH); column++) {
          if (counts[row * width + column] > counts[at]) isPeak = false;
        }
      }
      if (isPeak) peaks.push(at);
    }
  }
  return peaks;
}
