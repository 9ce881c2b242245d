// What `inspect`, `profile`, `predict` and `explain` do with the networks of a zoo, or why not.
//
//   node scripts/zoo-commands.mjs FOLDER [--only NAME,...]
//
// FOLDER is one of `node scripts/zoo.mjs FOLDER`. Images are noise of 128 x 128 pixels, or of the size that is written into a
// network. Prints a table, and fails where something fails that is not refused by name: no LamellaError.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeExplanation } from 'lamella/explain';
import { LamellaError } from '../dist/errors.js';
import { readSignature } from '../dist/graph/onnx/model.js';
import { writeTiff } from '../dist/image/formats/tiff/write.js';
import { nodeHost } from '../dist/platform/node/host.js';
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

/** Noise in a TIFF, of the channels and the size that the network takes. */
function imageFor(bytes) {
  const dims = readSignature(bytes).inputs[0].dims;
  const [channels, ...sides] = dims.slice(1).map((side) => (typeof side === 'number' && side > 0 ? side : SIDE));
  // The side of an open volume.
  const shape = [...(channels > 1 ? [channels] : []), ...(sides.length === 3 ? sides.map(() => 32) : sides)];
  const axes = `${channels > 1 ? 'c' : ''}${sides.length === 3 ? 'z' : ''}yx`;
  const data = Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 2_654_435_761) >>> 24);
  const names = channels === 3 ? ['red', 'green', 'blue'] : Array.from({ length: channels }, (_, c) => `c${c}`);
  const file = join(own, 'image.tif');
  writeFileSync(
    file,
    writeTiff({ dtype: 'uint8', axes, shape, data, spacing: {}, channels: channels > 1 ? names : ['grey'] }),
  );
  return { file, size: sides.slice(-2) };
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
  '\n| network | exporter | inspect | profile | predict | checks of explain |\n| --- | --- | --- | --- | --- | --- |',
);
for (const [file, { inspect: a, profile: b, predict: c, explain: d }] of rows)
  console.log(`| ${[...file.split('.').slice(0, 2), a, b, c, d].join(' | ')} |`);
const wrong = rows.filter(([, row]) => {
  const [passed, all] = row.explain.split(' of ');
  return Object.values(row).some((text) => text.startsWith('FAILED')) || (all !== undefined && passed !== all);
});
console.log(`\n${rows.length - wrong.length} of ${rows.length} files without a failure`);
process.exitCode = wrong.length > 0 ? 1 : 0;
