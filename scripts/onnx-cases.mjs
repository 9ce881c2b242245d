// ONNX's own cases of every operation against Lamella's graph: does the file open, and are the numbers those expected?
//
//   node scripts/onnx-cases.mjs FOLDER [--only NAME,...] [--python PYTHON]
//
// Writes into FOLDER what `zoo/cases.py` makes (kept when called again) and results.json, prints tables, and fails if a
// case opens and computes something else, or fails without a reason. Without --python it makes a Python environment first:
// 100 MB, once. A case is tried three times: as it is; with all inputs but the first as constants, as sizes, axes and
// weights stand in files of exporters; and with all of them. What its graph computes on the CPU must have the type, the
// shape and the numbers that ONNX expects, within its tolerances; bfloat16 is computed as float32, so that numbers expected
// in it may differ in their last bit.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { float16ToNumber } from '../dist/array/float16.js';
import { LamellaError } from '../dist/errors.js';
import { ModelProtoSchema, TensorProtoSchema } from '../dist/graph/onnx/messages.js';
import { fromBinary, toBinary } from '../dist/graph/onnx/protobuf.js';
import { readOnnx } from '../dist/graph/onnx/read.js';
import { tensorFromProto } from '../dist/graph/onnx/tensor.js';
import { openRuntime } from '../dist/platform/node/runtime.js';
import { preparePeers } from './peers.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, python: { type: 'string' } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('usage: node scripts/onnx-cases.mjs FOLDER [--only NAME,...]');
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

function pythonOf() {
  if (values.python !== undefined) return values.python;
  const { python, absent } = preparePeers([at('zoo/cases.txt')]);
  if (python === undefined) throw new Error(absent);
  return python;
}

/** Number of the type in ONNX. */
const BFLOAT16 = 16;

/** The tensors of a case: `input` or `output`. */
function tensorsOf(name, kind) {
  const found = [];
  for (let i = 0; existsSync(join(folder, name, `${kind}_${i}.pb`)); i++)
    found.push(fromBinary(TensorProtoSchema, new Uint8Array(readFileSync(join(folder, name, `${kind}_${i}.pb`)))));
  return found;
}

/** How inputs are given: from which on as constants. */
const FORMS = [
  ['as it is', Number.POSITIVE_INFINITY],
  ['all but the first constant', 1],
  ['all constant', 0],
];

/** In what they differ, if they do. */
function differenceOf(found, wanted) {
  if (found.shape.join() !== wanted.shape.join())
    return `has the shape [${found.shape.join(', ')}], not [${wanted.shape.join(', ')}]`;
  if (found.dtype !== wanted.dtype) return `is ${found.dtype}, not ${wanted.dtype}`;
  for (const [i, value] of found.data.entries()) {
    const [a, b] = [Number(value), Number(wanted.data[i])];
    if (Object.is(a, b) || a === b) continue;
    const isClose = wanted.dtype.startsWith('float') && Math.abs(a - b) <= wanted.atol + wanted.rtol * Math.abs(b);
    if (!isClose) return `has ${a} instead of ${b} at ${i}`;
  }
  return undefined;
}

const plain = (array) =>
  array.dtype === 'float16' ? { ...array, data: Array.from(array.data, float16ToNumber) } : array;

/** @returns {{ state: 'agrees' | 'refused' | 'differs' | 'fails', why?: string }} */
async function tried(runtime, name, from) {
  const model = fromBinary(ModelProtoSchema, new Uint8Array(readFileSync(join(folder, name, 'model.onnx'))));
  const inputs = tensorsOf(name, 'input');
  const names = model.graph.input.map((input) => input.name);
  model.graph.initializer.push(...inputs.slice(from).map((tensor, i) => ({ ...tensor, name: names[from + i] })));
  let program;
  try {
    const wanted = tensorsOf(name, 'output').map((tensor) => ({
      ...plain(tensorFromProto(tensor)),
      rtol: tensor.dataType === BFLOAT16 ? 2 ** -7 : cases[name].rtol,
      atol: cases[name].atol,
    }));
    const shapes = Object.fromEntries(inputs.slice(0, from).map(({ dims }, i) => [names[i], dims.map(Number)]));
    const graph = readOnnx(toBinary(ModelProtoSchema, model), { shapes });
    program = await runtime.compile(graph);
    const feeds = inputs.slice(0, from).map((tensor, i) => [names[i], tensorFromProto(tensor)]);
    const made = await program.run(Object.fromEntries(feeds));
    for (const [i, each] of wanted.entries()) {
      const output = graph.outputs[i].name;
      const why = differenceOf(plain(made[output]), each);
      if (why !== undefined) return { state: 'differs', why: `'${output}' ${why}` };
    }
    return { state: 'agrees' };
  } catch (error) {
    if (error instanceof LamellaError) return { state: 'refused', why: error.problem };
    return { state: 'fails', why: String(error).split('\n')[0] };
  } finally {
    await program?.dispose();
  }
}

mkdirSync(folder, { recursive: true });
if (!existsSync(join(folder, 'cases.json')))
  execFileSync(pythonOf(), [at('zoo/cases.py'), folder], { stdio: 'inherit' });
const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));
const only = values.only?.split(',');
const runtime = await openRuntime({ device: 'cpu' });
const rows = [];
for (const [name, { op, tensors }] of Object.entries(cases)) {
  if (only?.includes(name) === false && only?.includes(op) === false) continue;
  if (!tensors) {
    rows.push({ name, op, state: 'refused', why: 'its inputs or outputs are no tensors' });
    continue;
  }
  const forms = [];
  // Of bfloat16 only constants are read; what is expected of images is rounded at every step.
  const isBfloat16 = tensorsOf(name, 'input')[0]?.dataType === BFLOAT16;
  for (const [form, from] of isBfloat16 ? FORMS.slice(0, 2) : FORMS)
    forms.push({ form, ...(await tried(runtime, name, from)) });
  // A case that is always refused says why its operation is, not its sizes.
  const first =
    forms.find(({ state }) => state === 'differs' || state === 'fails') ??
    forms.find(({ state }) => state === 'agrees') ??
    forms[1];
  rows.push({ name, op, ...first, forms });
  if (first.state === 'differs' || first.state === 'fails' || only !== undefined)
    console.log(JSON.stringify(rows.at(-1)));
}
await runtime.dispose();
writeFileSync(join(folder, 'results.json'), `${JSON.stringify(rows, undefined, 1)}\n`);

/** Rows by what `of` says of them, most first. */
function grouped(all, of) {
  const groups = new Map();
  for (const row of all) groups.set(of(row), [...(groups.get(of(row)) ?? []), row]);
  return [...groups].sort(([, a], [, b]) => b.length - a.length);
}

const counted = (all, of) =>
  grouped(all, of)
    .map(([name, those]) => `${name} ${those.length}`)
    .join(', ');

/** Why a case is refused, in a few words, and what of it is counted. */
const KINDS = [
  ['unknown operation', /^(\S+) '[^']*': this operation/],
  ['type of numbers', /(no tensors)$|is of type (?:type )?(\S+),|holds (?:type )?(\S+),|casting to type (16)/],
  ['depends on data', /^(\S+) '.* depends? on data\.$/],
  ['no kernel of ONNX Runtime', /cannot run on/],
  ['form of an operation', /./],
];
const kindOf = ({ why }) => KINDS.find(([, pattern]) => pattern.test(why));
function reasonOf(row) {
  const [kind, pattern] = kindOf(row);
  const found = pattern
    .exec(row.why)
    .slice(1)
    .find((text) => text !== undefined);
  if (kind === 'type of numbers') return TYPES[found] ?? found;
  return found ?? row.op;
}
const TYPES = {
  ...{ 16: 'bfloat16', 17: 'float8', 18: 'float8', 19: 'float8', 20: 'float8', 24: 'float8' },
  ...{ 21: '4 bits', 22: '4 bits', 23: '4 bits', 25: '2 bits', 26: '2 bits', 'no tensors': 'sequences, optional' },
};

console.log(counted(rows, ({ state }) => state));
const agree = rows.filter(({ state }) => state === 'agrees');
console.log(`agree: ${counted(agree, ({ form }) => form)}`);
const byOp = grouped(rows, ({ op }) => op).sort(([a], [b]) => a.localeCompare(b));
const right = (all) => all.filter(({ state }) => state === 'agrees').length;
const shown = (each) =>
  each.map(([op, all]) => (right(all) < all.length ? `${op} ${right(all)} of ${all.length}` : op));
console.log(`\nall agree: ${shown(byOp.filter(([, all]) => right(all) === all.length)).join(', ')}`);
console.log(`\nsome agree: ${shown(byOp.filter(([, all]) => right(all) > 0 && right(all) < all.length)).join(', ')}`);
console.log('\n| refused for | cases | which |\n| --- | --- | --- |');
for (const [kind, those] of grouped(
  rows.filter(({ state }) => state === 'refused'),
  (row) => kindOf(row)[0],
)) {
  console.log(`| ${kind} | ${those.length} | ${counted(those, reasonOf)} |`);
}
process.exitCode = rows.some(({ state }) => state === 'differs' || state === 'fails') ? 1 : 0;
