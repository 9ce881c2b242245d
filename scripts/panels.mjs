// Reading and joining of the pictures that figures are made of.
import { ndarray } from '../dist/array/ndarray.js';
import { toFloat32, toGrey } from '../dist/image/convert.js';
import { readImageFile, writeImageFile } from '../dist/platform/node/index.js';

const GAP = 6;

/** The grey values of a file, of its first page. */
export async function greyPlane(path) {
  const { data, shape } = toFloat32(toGrey(await readImageFile(path)));
  const [height, width] = shape.slice(-2);
  return { data: data.subarray(0, height * width), height, width };
}

/** Writes pictures of one size side by side, as a PNG on white. A picture has one plane or three. */
export async function writePanels(path, panels) {
  const [{ height, width }] = panels;
  const total = panels.length * (width + GAP) - GAP;
  const rgb = new Uint8Array(3 * height * total).fill(255);
  panels.forEach(({ planes }, i) => {
    for (let c = 0; c < 3; c++) {
      const plane = planes[planes.length === 3 ? c : 0];
      for (let y = 0; y < height; y++)
        rgb.set(plane.subarray(y * width, (y + 1) * width), (c * height + y) * total + i * (width + GAP));
    }
  });
  await writeImageFile(path, {
    ...ndarray('uint8', [3, height, total], rgb),
    axes: 'cyx',
    spacing: {},
    channels: ['red', 'green', 'blue'],
  });
}
