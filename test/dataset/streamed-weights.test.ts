import { expect, test } from 'vitest';
import { cutBox } from '../../src/array/cut-box.ts';
import { stream } from '../../src/array/random.ts';
import type { Rectangle } from '../../src/array/window-sums.ts';
import { readWeighed, scanSizes } from '../../src/dataset/streamed/object-weights.ts';
import { borderWeights } from '../../src/dataset/weights/page-separation.ts';

const [height, width] = [150, 170];

test('border weights of a box are those of the whole, to the last bit', async () => {
  const random = stream(3, 'weights');
  const values = new Int32Array(height * width);
  for (let object = 1; object <= 90; object++) {
    const [y, x, r] = [random.integer(height), random.integer(width), 2 + random.integer(4)];
    for (let p = 0; p < values.length; p++) {
      if (Math.hypot(Math.floor(p / width) - y, (p % width) - x) < r) values[p] = object;
    }
  }
  const label = Uint8Array.from(values, (value) => Math.min(1, value));
  const page = { height, width, label };
  const source = {
    ...{ height, width, rows: 40 },
    readLabel: async (box: Rectangle) => cutBox(label, 1, page, box),
    readValues: async (box: Rectangle) => ({
      ...{ values: cutBox(values, 1, page, box), height: box.height, width: box.width },
      ...{ colour: false, source: 'labels' },
    }),
  };
  for (const typicalSize of [0, 60]) {
    const weighing = { w0: 10, sigmaPx: 3, typicalSize };
    const sizes = await scanSizes(source, (classIndex) => classIndex === 1);
    const [term, filled] = [new Float32Array(label.length), new Int32Array(1)];
    const whole = borderWeights({
      ...page,
      separation: { ...weighing, objectClass: 1, numbers: values, term, filled },
    });
    for (let tries = 0; tries < 40; tries++) {
      const [y, x] = [random.integer(height - 30), random.integer(width - 30)];
      const box = { y, x, height: 1 + random.integer(30), width: 1 + random.integer(30) };
      const read = await readWeighed(source, box, weighing, sizes);
      expect(read.separation.term).toEqual(cutBox(whole as Float32Array, 1, page, box));
      expect(read.label).toEqual(cutBox(label, 1, page, box));
    }
  }
});
