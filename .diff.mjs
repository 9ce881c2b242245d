import { WireReader, WireWriter, WireType } from './dist/graph/onnx/wire.js';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { readFileSync } from 'node:fs';
// random bytes: same value or both throw
let n = 0, bad = 0;
const rnd = (k) => Math.floor(Math.random() * k);
for (let i = 0; i < 300000; i++) {
  const b = Uint8Array.from({ length: rnd(14) }, () => (Math.random() < 0.5 ? rnd(256) : 128 + rnd(128)));
  for (const m of ['int32', 'int64', 'uint64', 'float', 'double', 'string', 'bytes', 'tag']) {
    const run = (R) => { const r = new R(b); try { return JSON.stringify(m === 'bytes' ? [...r[m]()] : r[m](), (_, v) => typeof v === 'bigint' ? String(v) : Object.is(v, -0) ? '-0' : Number.isNaN(v) ? 'NaN' : v); } catch { return 'throws'; } };
    const [x, y] = [run(WireReader), run(BinaryReader)];
    n++; if (x !== y && !(m === "tag" && x === "throws" && /,[34]\]$/.test(y)) && bad++ < 12) console.log(m, [...b].join(' '), x, y);
  }
}
console.log(n, 'differ', bad);
for (const v of [0, 1, -1, 127, 128, 300, 2 ** 31 - 1, -(2 ** 31)]) { const a = new WireWriter(), b = new BinaryWriter(); a.int32(v); b.int32(v); if (Buffer.compare(a.finish(), b.finish())) console.log('int32', v); }
for (let i = 0; i < 100000; i++) { const v = BigInt.asIntN(64, BigInt('0x' + Array.from({length: 1 + rnd(16)}, () => rnd(16).toString(16)).join(''))); const a = new WireWriter(), b = new BinaryWriter(); a.int64(v); b.int64(v); if (Buffer.compare(a.finish(), b.finish())) console.log('int64', v); }
