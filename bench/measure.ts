/**
 * All measurements of many objects: node bench/run.mjs measure [--side 4096] [--objects 10000] [--channels 1]
 *
 * Objects are cells of a jittered grid, each an ellipse of its own size and tilt, most of them touching others.
 */
import { parseArgs } from 'node:util';
import { ndarray } from '../src/array/ndarray.ts';
import { stream } from '../src/array/random.ts';
import { measure } from '../src/measure/measure.ts';
import { MEASURES } from '../src/measure/measures.ts';

export function main(args: string[]): void {
  const { values } = parseArgs({
    args,
    options: {
      side: { type: 'string', default: '4096' },
      objects: { type: 'string', default: '10000' },
      channels: { type: 'string', default: '1' },
    },
  });
  const side = Number(values.side);
  const channels = Number(values.channels);
  const grid = Math.ceil(Math.sqrt(Number(values.objects)));
  const cell = side / grid;
  const random = stream(1, 'bench');
  const labels = new Int32Array(side * side);
  for (let k = 0; k < grid * grid; k++) {
    const cy = (Math.floor(k / grid) + 0.5 + 0.3 * (random.uniform() - 0.5)) * cell;
    const cx = ((k % grid) + 0.5 + 0.3 * (random.uniform() - 0.5)) * cell;
    const [a, b, tilt] = [cell * (0.35 + 0.3 * random.uniform()), cell * 0.35, Math.PI * random.uniform()];
    for (let y = Math.max(0, Math.floor(cy - cell)); y < Math.min(side, cy + cell); y++) {
      for (let x = Math.max(0, Math.floor(cx - cell)); x < Math.min(side, cx + cell); x++) {
        const u = (x - cx) * Math.cos(tilt) + (y - cy) * Math.sin(tilt);
        const v = (y - cy) * Math.cos(tilt) - (x - cx) * Math.sin(tilt);
        if ((u / a) ** 2 + (v / b) ** 2 <= 1) labels[y * side + x] = k + 1;
      }
    }
  }
  const map = ndarray('int32', [side, side], labels);
  const image = ndarray(
    'uint16',
    [channels, side, side],
    Uint16Array.from({ length: channels * side * side }, () => 65536 * random.uniform()),
  );
  const options = { spacing: [0.5, 0.5], unit: 'µm' };
  const timed = (name: string, job: () => { rows: number }): void => {
    const start = performance.now();
    const { rows } = job();
    console.log(`${name.padEnd(24)} ${(performance.now() - start).toFixed(0).padStart(6)} ms (${rows} objects)`);
  };
  console.log(`Node ${process.version}, ${side}x${side}, ${channels} channel(s)`);
  timed('all, first call', () => measure(map, image, options));
  timed('all, second call', () => measure(map, image, options));
  for (const name of MEASURES) timed(name, () => measure(map, image, { ...options, measures: [name] }));
}
