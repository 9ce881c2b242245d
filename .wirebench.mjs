import { fromBinary, toBinary, create } from './dist/graph/onnx/protobuf.js';
import { fromBinary as fo, toBinary as to } from '/work/main/dist/graph/onnx/protobuf.js';
import { ModelProtoSchema } from './dist/graph/onnx/messages.js';
import { ModelProtoSchema as MO } from '/work/main/dist/graph/onnx/messages.js';
import { readFileSync } from 'node:fs';
for (const f of process.argv.slice(2)) { const bytes = readFileSync(f); 
for (let k = 0; k < 4; k++) for (const [n, F, T, S] of [['new', fromBinary, toBinary, ModelProtoSchema], ['old', fo, to, MO]]) { let t = performance.now(); const m = F(S, bytes); const r = performance.now() - t; t = performance.now(); const b = T(S, m); console.log(n, f.slice(-30), bytes.length, 'read', r.toFixed(1), 'write', (performance.now() - t).toFixed(1), b.length); } }
