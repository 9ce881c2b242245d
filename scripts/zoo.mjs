// Networks of the field against PyTorch: does the file open, are numbers and gradients those of float64?
//
//   node scripts/zoo.mjs FOLDER [--only NAME,...] [--kinds legacy17,dynamo] [--python PYTHON]
//
// Writes into FOLDER what `zoo/export.py` makes (kept when called again) and zoo.jsonl, prints a table, and fails if a
// network takes longer than 20 s or is off by more than 1e-5. Without --python it makes a Python environment first: 1 GB,
// once. A file is opened when its graph with the gradients of all weights is ready to run, on the CPU.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { unzipSync } from 'fflate';
import { readNpy } from '../dist/export/bioimageio/npy.js';
import { gradient } from '../dist/graph/autodiff.js';
import { GraphBuilder } from '../dist/graph/builder.js';
import { constantsToInputs } from '../dist/graph/constants.js';
import { separateVectors } from '../dist/graph/onnx/edit.js';
import { readSignature } from '../dist/graph/onnx/model.js';
import { readOnnx } from '../dist/graph/onnx/read.js';
import { openOnnxNetwork } from '../dist/models/onnx/open.js';
import { trainedTensors } from '../dist/models/onnx/parameters.js';
import { openRuntime } from '../dist/platform/node/runtime.js';
import { preparePeers } from './peers.mjs';

/** Seconds to open a file; largest difference relative to the largest number, or times what PyTorch's float32 is off. */
const MOST_SECONDS = 20;
const MOST_DIFFERENCE = 1e-5;
const MOST_TIMES = 3;
/** A weight whose gradient is smaller than this, relative to the largest of all, has nothing but rounding. */
const NOTHING = 1e-6;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    kinds: { type: 'string', default: 'legacy17,dynamo' },
    python: { type: 'string' },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('usage: node scripts/zoo.mjs FOLDER [options]');
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

function pythonOf() {
  if (values.python !== undefined) return values.python;
  const files = ['../bench/peers/requirements.txt', '../bench/peers/torch.txt', 'zoo/requirements.txt'].map(at);
  const { python, absent } = preparePeers(files);
  if (python === undefined) throw new Error(absent);
  return python;
}

/** Exports what is missing, and says what PyTorch's exporters refuse. */
function exportNetworks() {
  const only = values.only === undefined ? [] : ['--only', values.only];
  const args = [at('zoo/export.py'), folder, '--kinds', values.kinds, ...only];
  const printed = execFileSync(pythonOf(), args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  for (const line of printed.split('\n').filter((text) => text.startsWith('{'))) {
    const { file, problem } = JSON.parse(line);
    if (problem !== undefined) console.log(`${file}: not exported: ${problem}`);
  }
}

const largest = (numbers) => numbers.reduce((most, n) => Math.max(most, Math.abs(n)), 0);

/** Largest difference, relative to the largest number of `b`; NaN where a number is none. */
function difference(a, b) {
  if (a.length !== b.length) throw new Error(`${a.length} numbers instead of ${b.length}`);
  return b.reduce((most, n, i) => Math.max(most, Math.abs(a[i] - n)), 0) / largest(b);
}

const norm = ({ data }) => Math.sqrt(data.reduce((sum, n) => sum + n * n, 0));

/** The network with the gradients of sum(c y), and its weights. */
function withGradients(bytes, x, c) {
  const input = readSignature(bytes).inputs[0].name;
  const graph = readOnnx(separateVectors(bytes), { shapes: { [input]: x.shape } });
  const trained = trainedTensors(graph, graph.inputs[0]);
  const names = trained.map(({ name }) => name);
  const open = constantsToInputs(graph, names);
  const b = GraphBuilder.from(open.graph);
  const [y] = graph.outputs;
  const axes = y.shape.map((_, i) => i);
  const loss = b.output(b.sum(b.mul(y, b.constant(c)), axes), 'sum(c y)');
  const whole = gradient(b.build([y, loss], open.graph), loss, [graph.inputs[0], ...trained]);
  return { input, output: y.name, whole, weights: open.values };
}

/** Why `train --from` refuses the file, or wants an option; empty if it takes it. */
function whyNotTrained(bytes, file) {
  try {
    openOnnxNetwork(bytes, file);
    return '';
  } catch (error) {
    return error.problem ?? String(error);
  }
}

async function compare(runtime, file, bytes) {
  const stored = unzipSync(readFileSync(join(folder, `${file.split('.')[0]}.npz`)));
  const array = (name) => readNpy(stored[`${name}.npy`]);
  const [x, y, c, gx, ex] = ['x', 'y', 'c', 'gx', 'ex'].map(array);
  const start = performance.now();
  const { input, output, whole, weights } = withGradients(bytes, x, c);
  const program = await runtime.compile(whole);
  const seconds = (performance.now() - start) / 1000;
  const feeds = { [input]: x, ...Object.fromEntries([...weights].map(([{ name }, content]) => [name, content])) };
  const made = await program.run(feeds);
  await program.dispose();
  const gradients = Object.keys(stored).flatMap((name) => (name.startsWith('g:') ? [name.slice(2, -4)] : []));
  const sizes = gradients.map((name) => norm(array(`g:${name}`)));
  // Tensors as PyTorch has them: exporters merge others with what stands before or behind, and store equal ones once,
  // under the name of any of them.
  const shared = new Set([...weights.keys()].flatMap(({ name }) => (name.endsWith('/2') ? [name.slice(0, -2)] : [])));
  const kept = [...weights].flatMap(([{ name }, content]) => {
    const i = gradients.indexOf(name);
    if (i < 0 || shared.has(name) || made[`d_${name}`] === undefined || sizes[i] < NOTHING * Math.max(...sizes))
      return [];
    const [wanted] = array(`n:${name}`).data;
    return Math.abs(norm(content) - wanted) <= 1e-6 * wanted ? [name] : [];
  });
  const compared = (name, numbers, wanted, own) => {
    const most = Math.max(MOST_DIFFERENCE, MOST_TIMES * (own?.data[0] ?? 0));
    const found = difference(numbers.data, wanted.data);
    return { name, difference: found, isRight: found <= most };
  };
  const image = compared('image', made[`d_${input}`], gx, ex);
  const result = compared('result', made[output], y);
  const ofWeights = kept.map((name) => compared(name, made[`d_${name}`], array(`g:${name}`), array(`e:${name}`)));
  return {
    seconds,
    numbers: result.difference,
    image: image.difference,
    weights: ofWeights.reduce((most, each) => Math.max(most, each.difference), 0),
    compared: `${kept.length} of ${gradients.length}`,
    wrong: [result, image, ...ofWeights].filter(({ isRight }) => !isRight).map(({ name }) => name),
  };
}

async function rowOf(runtime, file) {
  const bytes = new Uint8Array(readFileSync(join(folder, file)));
  const isVolume = readSignature(bytes).inputs[0].dims.length === 5;
  try {
    const found = await compare(runtime, file, bytes);
    const isRight = found.wrong.length === 0 && found.seconds <= MOST_SECONDS;
    return { file, ...found, isRight, refused: isVolume ? 'volumes' : whyNotTrained(bytes, file) };
  } catch (error) {
    return { file, isRight: false, refused: error.problem ?? String(error) };
  }
}

mkdirSync(folder, { recursive: true });
exportNetworks();
const kinds = values.kinds.split(',');
const only = values.only?.split(',');
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.onnx'))
  .filter((file) => kinds.includes(file.split('.')[1]) && (only?.includes(file.split('.')[0]) ?? true));
const runtime = await openRuntime({ device: 'cpu' });
const rows = [];
for (const file of files) {
  const row = await rowOf(runtime, file);
  rows.push(row);
  console.log(JSON.stringify(row));
}
await runtime.dispose();
writeFileSync(join(folder, 'zoo.json'), `${JSON.stringify(rows, undefined, 1)}\n`);
const shown = (n) => (n === undefined ? '' : n.toExponential(0));
/** What keeps `train --from` from taking a file, in two words. */
const WHY = [
  ['volumes', 'volume'],
  ['is made for images of', 'fixed size'],
  ['coarser than the image', 'coarser'],
  ['no map of classes', 'no classes'],
];
const trained = (refused) => (refused === '' ? 'yes' : (WHY.find(([text]) => refused.includes(text))?.[1] ?? refused));
console.log('\n| network | exporter | opens, s | numbers | by the image | by weights | trained |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const { file, seconds, numbers, image, weights, refused } of rows) {
  const differences = [numbers, image, weights].map(shown);
  const cells = [...file.split('.').slice(0, 2), seconds?.toFixed(1) ?? '', ...differences, trained(refused)];
  console.log(`| ${cells.join(' | ')} |`);
}
const wrong = rows.filter(({ isRight }) => !isRight);
console.log(`\n${rows.length - wrong.length} of ${rows.length} files open and agree`);
process.exitCode = wrong.length > 0 ? 1 : 0;
