// Draws one row of a figure: the image, the true objects, and one panel for each prediction, side by side.
//
//   node scripts/objects-figure.mjs image truth prediction [prediction ...] figure.png [--at x,y] [--side px] [--scale n]
//
// Outlines: green matched (IoU >= 0.5), orange merged, yellow split, red missed, light blue spurious. A missed object
// is drawn by its true outline.
import { parseArgs } from 'node:util';
import { ndarray } from '../dist/array/ndarray.js';
import { matchObjects } from '../dist/metrics/match-objects.js';
import { connectedComponents } from '../dist/objects/connected-components.js';
import { imagePicture } from '../dist/report/kit/pictures.js';
import { greyPlane, writePanels } from './panels.mjs';

const COLOURS = {
  truth: [255, 255, 255],
  matched: [80, 220, 100],
  merged: [255, 140, 0],
  split: [255, 235, 60],
  missed: [255, 60, 60],
  spurious: [90, 190, 255],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { at: { type: 'string' }, side: { type: 'string' }, scale: { type: 'string' } },
});
const [imagePath, truthPath, ...rest] = positionals;
const out = rest.pop();

/** Numbers of objects; a map of two values is a mask, whose connected pixels are an object. */
async function objectsOf(path) {
  const { data, height, width } = await greyPlane(path);
  const numbers = Int32Array.from(data);
  if (new Set(numbers).size > 2) return ndarray('int32', [height, width], numbers);
  const mask = Uint8Array.from(numbers, (value) => (value > 0 ? 1 : 0));
  return connectedComponents(ndarray('uint8', [height, width], mask)).labels;
}

const image = await greyPlane(imagePath);
const { height, width } = image;
const truth = await objectsOf(truthPath);
const side = Math.min(Number(values.side ?? 256), height, width);
const [x0, y0] = (values.at ?? '0,0').split(',').map(Number);
const scale = Number(values.scale ?? 2);
const grey = imagePicture([image.data], height, width).planes[0];

const size = side * scale;

/** The window of the image, `scale` screen pixels a pixel. */
function panel() {
  const plane = new Uint8Array(size * size);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      plane[y * size + x] = grey[(y0 + Math.floor(y / scale)) * width + x0 + Math.floor(x / scale)];
  return { planes: [plane, plane.slice(), plane.slice()], height: size, width: size };
}

/** Outlines, one screen pixel wide just inside of each object. */
function outline(picture, labels, colourOf) {
  const at = (x, y) =>
    x < 0 || y < 0 || x >= size || y >= size
      ? -1
      : labels.data[(y0 + Math.floor(y / scale)) * width + x0 + Math.floor(x / scale)];
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const own = at(x, y);
      const colour = own > 0 ? colourOf(own) : undefined;
      if (colour === undefined) continue;
      if ([at(x - 1, y), at(x + 1, y), at(x, y - 1), at(x, y + 1)].every((value) => value === own || value === -1))
        continue;
      for (let c = 0; c < 3; c++) picture.planes[c][y * size + x] = colour[c];
    }
  return picture;
}

const panels = [panel(), outline(panel(), truth, () => COLOURS.truth)];
for (const path of rest) {
  const predicted = await objectsOf(path);
  const { matched, merged, split, spurious, missed } = matchObjects(truth, predicted);
  const kind = new Map([
    ...matched.map((pair) => [pair.predicted, 'matched']),
    ...merged.map((merge) => [merge.predicted, 'merged']),
    ...split.flatMap((one) => one.predicted.map((label) => [label, 'split'])),
    ...spurious.map((label) => [label, 'spurious']),
  ]);
  const lost = new Set(missed);
  const drawn = outline(panel(), truth, (label) => (lost.has(label) ? COLOURS.missed : undefined));
  panels.push(outline(drawn, predicted, (label) => COLOURS[kind.get(label)]));
  console.log(
    `${path}: ${matched.length} matched, ${missed.length} missed, ${merged.length} merges of ${merged.flatMap((merge) => merge.truth).length}, ${split.length} split, ${spurious.length} spurious`,
  );
}

await writePanels(out, panels);
