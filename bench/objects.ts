/**
 * Objects against SciPy and scikit-image, on the input that bench/peers/objects.py left in the folder:
 *
 *   python bench/peers/objects.py /tmp/objects 2048 && node bench/run.mjs objects --folder /tmp/objects
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ndarray } from '../src/array/ndarray.ts';
import { connectedComponents } from '../src/objects/connected-components.ts';
import { distanceToZero } from '../src/objects/distance-transform.ts';
import { fillHoles } from '../src/objects/fill-holes.ts';
import { filterObjects } from '../src/objects/filter-objects.ts';
import { hMaxima } from '../src/objects/h-maxima.ts';
import { watershed } from '../src/objects/seeded-watershed.ts';
import { otsuThreshold } from '../src/objects/threshold.ts';

export function main(args: string[]): void {
  const { values } = parseArgs({ args, options: { folder: { type: 'string', default: '/tmp/objects' } } });
  const peer: { side: number; times: Record<string, number> } = JSON.parse(
    readFileSync(`${values.folder}/peer.json`, 'utf8'),
  );
  const shape = [peer.side, peer.side];
  const bytes = (name: string) => Uint8Array.from(readFileSync(`${values.folder}/${name}.raw`));
  const mask = ndarray('uint8', shape, bytes('mask'));
  const speckled = ndarray('uint8', shape, bytes('speckled'));
  const image = ndarray('float32', shape, new Float32Array(bytes('image').buffer));
  const seeds = ndarray('int32', shape, new Int32Array(bytes('seeds').buffer));
  const labels = ndarray('int32', shape, new Int32Array(bytes('labels').buffer));
  const jobs: Readonly<Record<string, () => unknown>> = {
    'label, blobs': () => connectedComponents(mask),
    'label, noise': () => connectedComponents(speckled),
    'label by corners, noise': () => connectedComponents(speckled, { connectivity: 8 }),
    'distance transform': () => distanceToZero(mask),
    'distance transform, spacing': () => distanceToZero(mask, { spacing: [0.5, 1.25] }),
    watershed: () => watershed(image, seeds),
    'watershed, masked': () => watershed(image, seeds, { mask }),
    'fill holes': () => fillHoles(mask),
    Otsu: () => otsuThreshold(image),
    'filter by size and border': () => filterObjects(labels, { minSize: 50, border: 'clear' }),
    'h-maxima': () => hMaxima(image, 0.02),
  };
  console.log(`Node ${process.version}, ${peer.side}x${peer.side}, ms: ours (first, best of 5), SciPy or scikit-image`);
  for (const [name, job] of Object.entries(jobs)) {
    const times: number[] = [];
    for (let repeat = 0; repeat < 5; repeat++) {
      const start = performance.now();
      job();
      times.push(performance.now() - start);
    }
    const figures = [times[0] as number, Math.min(...times), peer.times[name] ?? Number.NaN];
    console.log(`${name.padEnd(30)} ${figures.map((ms) => ms.toFixed(1).padStart(8)).join(' ')}`);
  }
}
