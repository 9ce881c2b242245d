// What `inspect`, `profile`, `predict`, `explain` and `compare` do with the networks of a zoo, or why not.
//
//   node scripts/zoo-commands.mjs FOLDER [--only NAME,...]
//
// FOLDER is one of `node scripts/zoo.mjs FOLDER`. Images are noise of 128 x 128 pixels, or of the size that is written into a
// network. A network is compared with itself as the other exporter wrote it, if that could, on three images with squares of
// as many classes as it gives: scores must be the same. Prints a table, and fails where something fails that is not refused
// by name: no LamellaError.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeExplanation } from 'lamella/explain';
import { LamellaError } from '../dist/errors.js';
import { readSignature } from '../dist/graph/onnx/model.js';
import { writeTiff } from '../dist/image/formats/tiff/write.js';
import { nodeHost } from '../dist/platform/node/host.js';
import { openRuntime } from '../dist/platform/node/runtime.js';
import { openModel } from '../dist/predict/open.js';
import { writeComparison } from '../dist/workflows/compare.js';
import { inspect } from '../dist/workflows/inspect.js';
import { predictFolder } from '../dist/workflows/predict.js';
import { predictMapsFolder } from '../dist/workflows/predict-maps.js';
import { profileNetwork } from '../dist/workflows/profile.js';

const SIDE = 128;
/** Of what objects are found in, where a network gives no classes. */
const SEPARATE = { cellpose3: 'flows', cellpose_sam: 'flows', stardist: 'stars' };

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const [folder] = positionals;
if (folder === undefined) throw new Error('usage: node scripts/zoo-commands.mjs FOLDER [--only NAME,...]');
const only = values.only?.split(',');
const own = mkdtempSync(join(tmpdir(), 'lamella-zoo-'));

/** Pixels of a file that may differ where two classes are within rounding of each other. */
const MOST_DIFFERENCE = 1e-3;

const noise = (seed) => (_, i) => ((i + 7 * seed) * 2_654_435_761) >>> 24;

/** Noise in a TIFF, of the channels and the size that the network takes. */
function imageFor(bytes) {
  const dims = readSignature(bytes).inputs[0].dims;
  const [channels, ...sides] = dims.slice(1).map((side) => (typeof side === 'number' && side > 0 ? side : SIDE));
  // The side of an open volume.
  const shape = [...(channels > 1 ? [channels] : []), ...(sides.length === 3 ? sides.map(() => 32) : sides)];
  const axes = `${channels > 1 ? 'c' : ''}${sides.length === 3 ? 'z' : ''}yx`;
  const length = shape.reduce((a, b) => a * b, 1);
  const names = channels === 3 ? ['red', 'green', 'blue'] : Array.from({ length: channels }, (_, c) => `c${c}`);
  const file = join(own, 'image.tif');
  const write = (path, seed) =>
    writeFileSync(
      path,
      writeTiff({
        ...{ dtype: 'uint8', axes, shape, data: Uint8Array.from({ length }, noise(seed)), spacing: {} },
        channels: channels > 1 ? names : ['grey'],
      }),
    );
  write(file, 0);
  return { file, size: sides.slice(-2), write, voxels: shape.slice(channels > 1 ? 1 : 0) };
}

/** A data folder for a network: images with squares of every class. */
function labelledFor({ write, voxels }, classes) {
  const folder = join(own, 'data');
  const [height, width] = voxels.slice(-2);
  rmSync(folder, { recursive: true, force: true });
  for (const part of ['images', 'labels']) mkdirSync(join(folder, part), { recursive: true });
  for (let n = 0; n < 3; n++) {
    write(join(folder, 'images', `${n}.tif`), n);
    const square = (i) => Math.floor((i % width) / 16) + 5 * Math.floor((Math.floor(i / width) % height) / 16) + n;
    const data = Uint8Array.from({ length: voxels.reduce((a, b) => a * b, 1) }, (_, i) => square(i) % classes);
    const axes = voxels.length === 3 ? 'zyx' : 'yx';
    const image = { dtype: 'uint8', axes, shape: voxels, data, spacing: {}, channels: ['grey'] };
    writeFileSync(join(folder, 'labels', `${n}.tif`), writeTiff(image));
  }
  return folder;
}

/** How many classes it gives; 2 where it gives none, which `compare` refuses. */
async function classesOf(bytes) {
  const runtime = await openRuntime({ device: 'cpu' });
  try {
    const model = await openModel(runtime, bytes);
    await model.program.dispose();
    return model.classes.length;
  } catch (error) {
    if (error instanceof LamellaError) return 2;
    throw error;
  } finally {
    await runtime.dispose();
  }
}

/** The same network, as the other exporter wrote it, or else a copy of the file. */
function otherOf(file) {
  const [name, kind] = file.split('.');
  const other = readdirSync(folder).find(
    (each) => each.startsWith(`${name}.`) && /\.onnx$/.test(each) && each !== file,
  );
  if (other !== undefined) return join(folder, other);
  const copy = join(own, `${name}.${kind}.copy.onnx`);
  copyFileSync(join(folder, file), copy);
  return copy;
}

/** @throws Error if the same network scores differently */
async function comparedWithOther(file, image) {
  const path = join(folder, file);
  const data = labelledFor(image, await classesOf(new Uint8Array(readFileSync(path))));
  const out = join(own, 'compare.html');
  const options = { out, data, device: 'cpu', resamples: 100 };
  const { comparison } = await writeComparison(nodeHost, [path, otherOf(file)], options);
  const [first, second] = comparison.runs.map(({ perImage }) => perImage);
  const most = Math.max(...first.map((score, i) => Math.abs(score - second[i])));
  if (!(most <= MOST_DIFFERENCE)) throw new Error(`scores ${first.join(', ')} and ${second.join(', ')}`);
}

/** `yes`, or the reason. */
async function tried(run) {
  try {
    return (await run()) ?? 'yes';
  } catch (error) {
    if (error instanceof LamellaError) return error.problem ?? error.message;
    return `FAILED: ${String(error).split('\n')[0]}`;
  }
}

async function rowOf(file) {
  const path = join(folder, file);
  const image = imageFor(new Uint8Array(readFileSync(path)));
  const out = join(own, 'out');
  const separate = SEPARATE[file.split('.')[0]];
  const predict = () => {
    const options = { out, device: 'cpu' };
    if (separate !== undefined) return predictMapsFolder(nodeHost, [path], image.file, { ...options, separate }, {});
    return predictFolder(nodeHost, [path], image.file, options);
  };
  const row = {
    inspect: await tried(async () => void (await inspect(nodeHost, path))),
    profile: await tried(async () => void (await profileNetwork(nodeHost, path, { size: image.size, device: 'cpu' }))),
    predict: await tried(async () => (await predict()) && (separate === undefined ? undefined : separate)),
    explain: await tried(async () => {
      const page = join(own, 'explain.html');
      const { explanation } = await writeExplanation(nodeHost, path, image.file, { out: page, device: 'cpu' });
      const passed = explanation.checks.filter((check) => check.passed).length;
      return `${passed} of ${explanation.checks.length}`;
    }),
    compare: await tried(() => comparedWithOther(file, image)),
  };
  rmSync(out, { recursive: true, force: true });
  return row;
}

const rows = [];
for (const file of readdirSync(folder).filter((name) => /^(?!op_).*\.onnx$/.test(name))) {
  if (only?.includes(file.split('.')[0]) === false) continue;
  const row = await rowOf(file);
  rows.push([file, row]);
  console.log(JSON.stringify({ file, ...row }));
}
rmSync(own, { recursive: true });
console.log(
  '\n| network | exporter | inspect | profile | predict | checks of explain | compare |\n| --- | --- | --- | --- | --- | --- | --- |',
);
for (const [file, { inspect: a, profile: b, predict: c, explain: d, compare: e }] of rows)
  console.log(`| ${[...file.split('.').slice(0, 2), a, b, c, d, e].join(' | ')} |`);
const wrong = rows.filter(([, row]) => {
  const [, passed, all] = /^(\d+) of (\d+)$/.exec(row.explain) ?? [];
  return Object.values(row).some((text) => text.startsWith('FAILED')) || passed !== all;
});
console.log(`\n${rows.length - wrong.length} of ${rows.length} files without a failure`);
process.exitCode = wrong.length > 0 ? 1 : 0;
