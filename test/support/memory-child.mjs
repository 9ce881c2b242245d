// A process of its own whose memory is watched: `node --expose-gc memory-child.mjs DIST JSON`, with the built library's
// folder and { task, data, run, times, samples, device }. Prints, evenly spaced over the task, [done, resident memory, memory
// that JavaScript holds] in bytes.
import { readFile } from 'node:fs/promises';

const [dist, text] = process.argv.slice(2);
const { task, data, run, times, samples, device, leakBytes = 0 } = JSON.parse(text);
const load = (path) => import(`${dist}/${path}`);

const seen = [];
const every = Math.max(1, Math.floor(times / samples));
const leaked = [];
const look = (done) => {
  // On purpose, to see that the test sees it.
  if (leakBytes > 0) leaked.push(new Uint8Array(leakBytes).fill(1));
  if (done % every !== 0) return;
  // What is only waiting to be collected is no leak.
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  seen.push([done, rss, heapUsed + external]);
};

const { openRuntime, train, nodeFiles } = await load('platform/node/index.js');
if (task === 'train') {
  await train(
    data,
    {
      ...{ out: run, steps: times, device, workers: 1, checkpointEvery: { steps: Math.ceil(times / 20) } },
      // A small network on large patches: a batch that is not let go of weighs 1.5 MB.
      ...{ baseChannels: 2, depth: 1, patch: [256, 256], batch: 2 },
    },
    { onEvent: (event) => event.kind === 'step' && look(event.step) },
  );
} else {
  const { openModel } = await load('predict/open.js');
  const { predictPage } = await load('predict/predict.js');
  const { readDataset } = await load('dataset/prepare.js');
  const { pages } = await readDataset(nodeFiles, data);
  const bytes = await readFile(`${run}/best.onnx`);
  const runtime = await openRuntime({ device });
  let model = await openModel(runtime, bytes);
  for (let i = 1; i <= times; i++) {
    await predictPage(model, pages[i % pages.length], { tile: 128 });
    // A session that is not let go of would show, too.
    if (i % 10 === 0) {
      await model.program.dispose();
      model = await openModel(runtime, bytes);
    }
    look(i);
  }
  await runtime.dispose();
}
process.stdout.write(JSON.stringify(seen));
