// Sparse annotations as a person would paint them, made from complete ground truth:
//
//   node scripts/strokes.mjs DATA OUT [--slices 0,6,13,19] [--strokes 40] [--fraction 0.01] [--width 3] [--seed 0] [--task instances]
//
// --slices   pages of DATA to paint on, from 0 in the order of `lamella inspect` (default: 4, evenly spread)
// --strokes  strokes of each class, on all of these pages together
// --fraction of their pixels that strokes may take, shared equally by the classes
// --width    of the brush, pixels
//
// OUT/strokes and OUT/full hold the same images, with the strokes and with all labels. A stroke is a smooth random curve
// within its class; of numbered objects it lies within one, and keeps its number. What was not painted is 255 beside
// classes (uint8, numbered from 0) and 65535 beside objects (uint16). The same seed gives the same strokes.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ndarray } from '../dist/array/ndarray.js';
import { stream } from '../dist/array/random.js';
import { applyMapping, findMapping } from '../dist/dataset/labels/labels.js';
import { readDataset } from '../dist/dataset/prepare.js';
import { labelOptions } from '../dist/dataset/raw.js';
import { writeTiff } from '../dist/image/formats/tiff/write.js';
import { nodeFiles } from '../dist/platform/node/files.js';

const NONE = { classes: 255, objects: 65535 };
/** Standard deviation of the change of direction from one pixel to the next, radians. */
const BEND = 0.12;
/** Turns that are tried where the stroke would leave its class, radians. */
const TURNS = [0, 0.3, -0.3, 0.7, -0.7, 1.2, -1.2];
/** Shorter curves than this are drawn anew, as long as there are tries left. */
const LEAST_LENGTH = 8;
const TRIES = 200;

/** The pixels of a disc around 0, as [dy, dx]. */
function disc(width) {
  const radius = width / 2;
  const reach = Math.ceil(radius);
  const offsets = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) if (dy * dy + dx * dx < radius * radius) offsets.push([dy, dx]);
  }
  return offsets;
}

/**
 * Paints one stroke of at most `most` new pixels where `inside(p)`, starting at pixel `start`.
 * @returns the pixels
 */
function stroke({ height, width }, inside, start, most, brush, random) {
  const pixels = new Set();
  let [y, x] = [Math.floor(start / width), start % width];
  let heading = random.between(-Math.PI, Math.PI);
  const at = (v, u) => (v < 0 || u < 0 || v >= height || u >= width ? -1 : v * width + u);
  const within = (v, u) => {
    const p = at(Math.round(v), Math.round(u));
    return p >= 0 && inside(p);
  };
  while (pixels.size < most) {
    for (const [dy, dx] of brush) {
      const p = at(Math.round(y) + dy, Math.round(x) + dx);
      if (p >= 0 && inside(p) && pixels.size < most) pixels.add(p);
    }
    heading += BEND * random.normal();
    const turn = TURNS.find((one) => within(y + Math.sin(heading + one), x + Math.cos(heading + one)));
    if (turn === undefined) break;
    heading += turn;
    y += Math.sin(heading);
    x += Math.cos(heading);
    // A curve that turns on the spot paints nothing more.
    if (random.uniform() < 1e-3) break;
  }
  return pixels;
}

/**
 * Strokes of every class on one page.
 * @param page size; classes: class of each pixel; objects: number of each pixel where objects are told apart
 * @returns the values of the label image, `none` where nothing was painted
 */
function paintStrokes({ height, width, classes, objects, count }, { strokes, fraction, brushWidth, random }) {
  const none = objects === undefined ? NONE.classes : NONE.objects;
  const out = new (objects === undefined ? Uint8Array : Uint16Array)(height * width).fill(none);
  const brush = disc(brushWidth);
  for (let c = 0; c < count; c++) {
    const own = [];
    for (let p = 0; p < classes.length; p++) if (classes[p] === c) own.push(p);
    if (own.length === 0) continue;
    let left = Math.round((fraction * height * width) / count);
    const used = new Set();
    for (let n = 0; n < strokes && left > 0; n++) {
      const most = Math.ceil(left / (strokes - n));
      let best = new Set();
      for (let tries = 0; tries < TRIES && best.size < Math.min(most, LEAST_LENGTH * brushWidth); tries++) {
        const start = own[random.integer(own.length)];
        // Another object for each stroke, as long as there are others.
        const object = objects?.[start];
        if (c > 0 && used.has(object) && tries < TRIES / 2) continue;
        const inside = (p) => classes[p] === c && (c === 0 || object === undefined || objects[p] === object);
        const drawn = stroke({ height, width }, inside, start, most, brush, random);
        if (drawn.size > best.size) best = drawn;
      }
      for (const p of best) {
        if (out[p] === none) left--;
        out[p] = objects === undefined ? c : c === 0 ? 0 : objects[p];
        if (c > 0 && objects !== undefined) used.add(objects[p]);
      }
    }
  }
  return out;
}

/** One page as an image that `writeTiff` takes. */
export const imageOf = (data, channels, { height, width, channelNames }) => {
  const dtype = data.constructor.name.replace('Array', '').toLowerCase();
  const shape = channels === 1 ? [height, width] : [channels, height, width];
  return { ...ndarray(dtype, shape, data), axes: channels === 1 ? 'yx' : 'cyx', spacing: {}, channels: channelNames };
};

/** Writes OUT/strokes and OUT/full. @returns names and facts, a line each */
export async function writeStrokes(data, out, options = {}) {
  const { slices, strokes = 40, fraction = 0.01, brushWidth = 3, seed = 0, task } = options;
  const raw = await readDataset(nodeFiles, data);
  const labels = raw.pages.map(({ label }) => label);
  const mapping = findMapping(labels, labelOptions(raw, {}));
  const numbered = task === 'instances' || mapping.kind === 'instances';
  const few = Math.min(4, raw.pages.length);
  const chosen =
    slices ?? Array.from({ length: few }, (_, i) => Math.round((i * (raw.pages.length - 1)) / Math.max(1, few - 1)));
  const lines = [];
  for (const part of ['strokes', 'full']) {
    for (const kind of ['images', 'labels']) await mkdir(join(out, part, kind), { recursive: true });
  }
  for (const [i, index] of chosen.entries()) {
    const page = raw.pages[index];
    if (page === undefined) throw new Error(`there is no page ${index}; ${data} has ${raw.pages.length}`);
    const { height, width, label } = page;
    const classes = numbered ? label.values.map((value) => (value === 0 ? 0 : 1)) : applyMapping(label, mapping);
    const count = numbered ? 2 : mapping.classes.length;
    // As many on each page, those that are left over on the first ones.
    const share = Math.floor(strokes / chosen.length) + (i < strokes % chosen.length ? 1 : 0);
    const painted = paintStrokes(
      { height, width, classes, objects: numbered ? label.values : undefined, count },
      { strokes: share, fraction, brushWidth, random: stream(seed, 'strokes', 0, index) },
    );
    const full = numbered ? Uint16Array.from(label.values) : Uint8Array.from(classes);
    const name = `${String(index).padStart(4, '0')}.tif`;
    const none = numbered ? NONE.objects : NONE.classes;
    const image = writeTiff(imageOf(page.data, page.channels, page));
    for (const [part, values] of [
      ['strokes', painted],
      ['full', full],
    ]) {
      await writeFile(join(out, part, 'images', name), image);
      await writeFile(join(out, part, 'labels', name), writeTiff(imageOf(values, 1, { height, width })));
    }
    const pixels = painted.reduce((sum, value) => sum + (value === none ? 0 : 1), 0);
    const objects = numbered ? `, ${new Set(painted).size - 2} of ${new Set(full).size - 1} objects` : '';
    lines.push(
      `${page.name}: ${share} strokes per class, ${pixels} pixels (${((100 * pixels) / (height * width)).toFixed(2)} %)${objects}`,
    );
  }
  return lines;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: Object.fromEntries(
      ['slices', 'strokes', 'fraction', 'width', 'seed', 'task'].map((name) => [name, { type: 'string' }]),
    ),
  });
  const [data, out] = positionals;
  if (out === undefined) throw new Error('usage: node scripts/strokes.mjs DATA OUT [options]');
  const number = (name) => (values[name] === undefined ? undefined : Number(values[name]));
  const lines = await writeStrokes(data, out, {
    slices: values.slices?.split(',').map(Number),
    strokes: number('strokes'),
    fraction: number('fraction'),
    brushWidth: number('width'),
    seed: number('seed'),
    task: values.task,
  });
  for (const line of lines) console.log(line);
}
