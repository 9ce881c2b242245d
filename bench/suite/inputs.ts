/** Pictures that both sides read, made anew in a folder. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { writePng } from '../../src/image/formats/png/write.ts';

/** Of PyTorch's exporters the one that the networks are written by. */
export const EXPORTER = 'legacy17';

export interface Inputs {
  readonly folder: string;
  readonly objectsSide: number;
  readonly scoresSide: number;
  /** Image files, by their side. */
  readonly picture: (side: number) => string;
  /** A network of `scripts/zoo/networks.py`, which its export writes. */
  readonly network: (name: string) => string;
  /** Folders of 100 slices each; the second is for the peers to make, with LZW. */
  readonly png: string;
  readonly tiff: string;
}

export function makeInputs(folder: string): Inputs {
  const [objectsSide, scoresSide] = [2048, 512];
  const save = (name: string, { buffer, byteOffset, byteLength }: ArrayBufferView) =>
    writeFileSync(join(folder, `${name}.raw`), new Uint8Array(buffer, byteOffset, byteLength));
  const relief = smooth(objectsSide, 1);
  save('image', relief);
  save(
    'mask',
    Uint8Array.from(relief, (value) => (value > 0 ? 1 : 0)),
  );
  const seeds = new Int32Array(objectsSide * objectsSide);
  const random = stream(1, 'seeds');
  for (let i = 1; i <= objectsSide; i++) seeds[random.integer(seeds.length)] = i;
  save('seeds', seeds);

  // Cells between membranes, and a prediction that errs here and there.
  const cells = smooth(scoresSide, 2);
  const errors = smooth(scoresSide, 3);
  save(
    'truth',
    Uint8Array.from(cells, (value) => (Math.abs(value) > 0.25 ? 1 : 0)),
  );
  save(
    'probability',
    Float32Array.from(
      cells,
      (value, i) => 1 / (1 + Math.exp(-12 * (Math.abs(value + 0.1 * (errors[i] as number)) - 0.25))),
    ),
  );

  const picture = (side: number) => join(folder, `picture${side}.png`);
  for (const side of [512, 2048]) writeFileSync(picture(side), writePng(imageOf(smooth(side, 4), side)));
  const [png, tiff] = [join(folder, 'png'), join(folder, 'tiff')];
  mkdirSync(png);
  for (let i = 0; i < 100; i++) {
    const image = imageOf(smooth(512, 5 + (i % 4)), 512);
    writeFileSync(join(png, `${String(i).padStart(3, '0')}.png`), writePng(image));
  }
  const network = (name: string) => join(folder, `${name}.${EXPORTER}.onnx`);
  return { folder, objectsSide, scoresSide, picture, network, png, tiff };
}

/** Hills and valleys, about -1 to 1, with a little noise. */
function smooth(side: number, seed: number): Float32Array {
  const random = stream(seed, 'relief');
  const waves = Array.from({ length: 12 }, () => ({
    y: random.between(-0.35, 0.35),
    x: random.between(-0.35, 0.35),
    phase: random.between(0, 6.3),
  }));
  const values = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (const wave of waves) sum += Math.sin(wave.y * y + wave.x * x + wave.phase);
      values[y * side + x] = sum / 4 + 0.05 * random.normal();
    }
  }
  return values;
}

function imageOf(values: Float32Array, side: number) {
  const grey = Uint8Array.from(values, (value) => Math.max(0, Math.min(255, 128 + 90 * value)));
  return { ...ndarray('uint8', [side, side], grey), axes: 'yx', spacing: {} };
}
