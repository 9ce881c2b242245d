// `node scripts/profile.mjs trace.json`: sums a trace of ONNX Runtime by op and by layer, as `lamella train --profile`
// does, for any session that was made with `enableProfiling`. Needs a build.
import { readFileSync } from 'node:fs';
import { formatProfile, sumProfile } from '../dist/runtime/profile.js';

const [file, leaveOut = '3'] = process.argv.slice(2);
if (file === undefined) {
  console.error('node scripts/profile.mjs <trace.json> [runs to leave out, default 3]');
  process.exit(2);
}
console.log(formatProfile(sumProfile(readFileSync(file, 'utf8'), { leaveOut: Number(leaveOut) })));
