import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PERCEPTRON_FILES, perceptronDemo } from 'lamella/demo';
import { phantom, writeSlices } from 'lamella/phantom';
import { ndarray } from '../../array/ndarray.ts';
import { UsageError } from '../../errors.ts';
import { type Image, sizes } from '../../image/image.ts';
import { type IsbiScores, isbiScores, isbiSliceScores } from '../../metrics/isbi.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { openRuntime } from '../../platform/node/runtime.ts';
import { trainRun } from '../../platform/node/train-run.ts';
import { RUN_FILES } from '../../train/store.ts';
import { evaluate } from '../../workflows/evaluate.ts';
import { requireFreeFolder } from '../../workflows/out-folder.ts';
import type { command } from '../commands/demo.ts';
import type { Options, Positionals } from '../declare.ts';
import { say } from '../print.ts';
import { formatDuration } from '../progress.ts';
import { watchTraining } from '../watch-training.ts';
import { run as runPredict } from './predict.ts';

const SIDE_PX = 256;
const TRAIN_SLICES = 24;
const TEST_SLICES = 4;
/** The last training slices: enough for a score, but few, to save time. */
const VALIDATION = [TRAIN_SLICES - 2, TRAIN_SLICES - 1];
/**
 * Half the pixels per step of the default and three times its learning rate, since the number of steps matters in so
 * short a time.
 */
const QUICK = { patch: [128, 128], batch: 2, learningRate: 0.003 } as const;
/** Slices between the two, so that no test slice resembles a training slice. */
const GAP = 4;
const STACK = { width: SIDE_PX, height: SIDE_PX, depth: TRAIN_SLICES + GAP + TEST_SLICES };
/** The demo may be run again in its own folder. */
const PARTS = ['train', 'test', 'run', 'pred'] as const;

/** The best score of a brightness threshold, over 51 thresholds. */
function thresholdScores(image: Image<'uint8'>, label: Image<'uint8'>, slices: readonly number[]): IsbiScores {
  const { height, width } = sizes(image);
  const pixels = height * width;
  const thresholds = Array.from({ length: 51 }, (_, i) => i / 51);
  return isbiScores(
    slices.map((z) =>
      isbiSliceScores(
        ndarray('uint8', [height, width], label.data.subarray(z * pixels, (z + 1) * pixels)),
        ndarray(
          'float32',
          [height, width],
          Float32Array.from(image.data.subarray(z * pixels, (z + 1) * pixels), (value) => value / 255),
        ),
        { thresholds, warpingUpTo: -1 },
      ),
    ),
  );
}

export async function run(
  [first, second]: Positionals<typeof command>,
  options: Options<typeof command>,
): Promise<void> {
  if (first === 'perceptron') return runDemoPerceptron(second ?? './demo-perceptron', options);
  if (second !== undefined) {
    throw new UsageError(`"${first}" and "${second}" are two folders.`, { remedy: 'Name only one.' });
  }
  await runDemo(first ?? './demo', options);
}

/** The line of a perceptron moving over linearly separable points, and over XOR. */
async function runDemoPerceptron(folder: string, { seed }: Pick<Options<typeof command>, 'seed'>): Promise<void> {
  await requireFreeFolder(nodeFiles, folder, { ignore: PERCEPTRON_FILES, option: 'another folder' });
  const runtime = await openRuntime({ device: 'cpu', threads: 1 });
  try {
    const { results, files } = await perceptronDemo(runtime, { seed, createdAt: new Date().toISOString() });
    for (const { title, verdict } of results) say(`${title}: ${verdict}`);
    for (const name of PERCEPTRON_FILES) await nodeFiles.write(join(folder, name), files[name]);
    say(`Open in a browser: ${join(folder, PERCEPTRON_FILES[0])}`);
  } finally {
    await runtime.dispose();
  }
}

/** End-to-end demo on synthetic data: phantom, training, prediction, scores, report. */
async function runDemo(folder: string, { minutes, seed }: Options<typeof command>): Promise<void> {
  const began = Date.now();
  const parts = Object.fromEntries(PARTS.map((part) => [part, join(folder, part)])) as Record<
    (typeof PARTS)[number],
    string
  >;
  await requireFreeFolder(nodeFiles, folder, { ignore: PARTS, option: 'another folder' });
  for (const part of Object.values(parts)) await rm(part, { recursive: true, force: true });

  say(`1. A synthetic EM stack, ${TRAIN_SLICES} slices to train on and ${TEST_SLICES} others to test on`);
  const { image, label } = phantom({ seed, ...STACK });
  const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
  const test = range(TRAIN_SLICES + GAP, TEST_SLICES);
  await writeSlices(nodeFiles, parts.train, { image, label }, range(0, TRAIN_SLICES));
  await writeSlices(nodeFiles, parts.test, { image, label }, test);

  say(`\n2. lamella train ${parts.train} --out ${parts.run} --minutes ${minutes} --patch 128 --batch 2 --lr 0.003`);
  await watchTraining(parts.run, { quiet: false }, (hooks) =>
    trainRun(parts.train, { out: parts.run, minutes, seed, split: { names: VALIDATION.map(String) }, ...QUICK }, hooks),
  );

  say(`\n3. lamella predict ${parts.run} ${parts.test} --out ${parts.pred} --tta 4`);
  await runPredict([parts.run, [parts.test]], {
    out: parts.pred,
    tta: 4,
    probability: '8bit',
    labels: true,
    overlay: true,
    format: 'same',
    patient: true,
    which: 'best',
    device: 'auto',
  });

  say(`\n4. lamella evaluate ${parts.pred} ${parts.test} --metrics isbi`);
  const { isbi } = await evaluate({ files: nodeFiles }, parts.pred, parts.test, { metrics: ['isbi'] });
  const baseline = thresholdScores(image, label, test);
  const network = isbi as IsbiScores;
  say('                          the network  the best threshold on brightness');
  for (const [name, own, other] of [
    ['V-Rand (thinned)', network.vRandThinned, baseline.vRandThinned],
    ['V-Info (thinned)', network.vInfoThinned, baseline.vInfoThinned],
    ['pixel error', network.pixelError, baseline.pixelError],
  ] as const) {
    say(`  ${name.padEnd(22)}  ${own.value.toFixed(4).padEnd(11)}  ${other.value.toFixed(4)}`);
  }
  say(`\nDone in ${formatDuration(Date.now() - began)}. The segmentations are in ${parts.pred}.`);
  say(`Open the report in a browser: ${join(parts.run, RUN_FILES.report)}`);
}
