import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import type { IntegerArray } from '../../src/objects/grid.ts';

/**
 * What is hard to carry over: holes, a hole with an object in it, holes that touch at a corner, pieces that do,
 * neighbours without a gap, objects at every border, one pixel, labels with gaps and beyond 16 bits.
 */
export function hardLabels(): IntegerArray {
  const lines = [
    '11111..2222......3',
    '1...1..2..22....33',
    '1.4.1..22..2...333',
    '1...1..222.2..3333',
    '11111...2222.33333',
    '.....5....6666....',
    '....5.5..66.66..7.',
    '.....5...6.666....',
    '888889999.66666...',
    '888889999.......aa',
    '888..9..9....aa.aa',
    '888889999....aab..',
  ];
  const values = [0, 1, 2, 3, 40, 500, 6000, 65_535, 65_536, 100_000, 1_000_000, 16_777_217];
  const data = lines.flatMap((line) =>
    [...line].map((letter) => (letter === '.' ? 0 : (values[Number.parseInt(letter, 16)] as number))),
  );
  return ndarray('uint32', [lines.length, lines[0]?.length ?? 0], Uint32Array.from(data));
}

/** Cells without gaps between them, some taken out, with holes of noise. */
export function crowdedLabels(height: number, width: number, cells: number, seed: number): IntegerArray {
  const random = stream(seed, 'crowded');
  const centres = Array.from({ length: cells }, () => [width * random.uniform(), height * random.uniform()] as const);
  const data = Uint16Array.from({ length: height * width }, (_, p) => {
    const distances = centres.map(([x, y]) => Math.hypot((p % width) - x, Math.floor(p / width) - y));
    const nearest = distances.indexOf(Math.min(...distances));
    return nearest % 5 === 0 || random.uniform() < 0.03 ? 0 : nearest + 1;
  });
  return ndarray('uint16', [height, width], data);
}
