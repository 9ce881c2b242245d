import { phantom } from '../../packages/phantom/phantom.ts';
import { gaussianBlur } from '../../src/array/gaussian.ts';
import { float32 } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { type ReportData, score } from '../../src/report/run/data.ts';
import { Evaluator } from '../../src/report/run/evaluate.ts';
import { isbiTable } from '../../src/report/run/published.ts';

/** A report on phantom slices with a made-up prediction: the truth blurred and noisy, with gaps in the membranes. */
export function sampleReport(slices = 4, side = 256): ReportData {
  const made = phantom({ depth: slices, height: side, width: side, seed: 4 });
  const evaluator = new Evaluator({
    classNames: ['membrane', 'inside'],
    kind: { name: 'isbi', inside: 1 },
    total: slices,
  });
  const pixels = side * side;
  for (let s = 0; s < slices; s++) {
    const random = stream(9, 'prediction', s);
    const truth = Uint8Array.from(made.label.data.subarray(s * pixels, (s + 1) * pixels) as Uint8Array, (v) =>
      v > 0 ? 1 : 0,
    );
    const blurred = Float32Array.from(truth);
    const noise = Float32Array.from({ length: pixels }, () => random.normal());
    gaussianBlur(noise, side, side, 3 + s);
    const spread = Math.sqrt(noise.reduce((sum, v) => sum + v * v, 0) / pixels);
    gaussianBlur(blurred, side, side, 1);
    const inside = blurred.map(
      (v, p) => 1 / (1 + Math.exp(-7 * (v - 0.45) - (0.5 + 0.5 * s) * ((noise[p] as number) / spread))),
    );
    const probabilities = float32([2, side, side]);
    probabilities.data.set(inside.map((p) => 1 - p));
    probabilities.data.set(inside, pixels);
    evaluator.add({
      name: `test/image/${20 + s}.png`,
      height: side,
      width: side,
      planes: [Float32Array.from(made.image.data.subarray(s * pixels, (s + 1) * pixels) as Uint8Array)],
      truth,
      probabilities,
    });
  }
  const result = evaluator.result();
  const isbi = result.isbi;
  if (isbi === undefined) throw new Error('no scores');
  const random = stream(2, 'curves');
  const steps = Array.from({ length: 900 }, (_, i) => i + 1);
  return {
    title: 'runs/sample',
    summary: 'A U-Net of 1.9 million parameters, trained on 20 slices of 512 x 512 pixels for 15 minutes.',
    createdAt: '2026-01-02T03:04:05.000Z',
    headline: [
      { label: 'V-Rand', value: isbi.vRandThinned.value.toFixed(4), note: 'after thinning, 1 is best' },
      { label: 'V-Info', value: isbi.vInfoThinned.value.toFixed(4), note: 'after thinning, 1 is best' },
      { label: 'Warping error', value: isbi.warpingError.value.toFixed(5) },
      { label: 'Rand error', value: isbi.randError.value.toFixed(4) },
      { label: 'Pixel error', value: isbi.pixelError.value.toFixed(4) },
    ],
    training: {
      loss: {
        name: 'loss',
        points: steps.map((step) => [step, 0.9 * Math.exp(-step / 150) + 0.1 + 0.05 * random.uniform()]),
      },
      learningRate: {
        name: 'learning rate',
        points: steps.map((step) => [step, 1e-3 * Math.cos((step / 900) * 1.57)]),
      },
      validation: {
        name: 'V-Rand',
        points: steps.filter((step) => step % 90 === 0).map((step) => [step, 0.95 - 0.4 * Math.exp(-step / 200)]),
        best: { step: 900, value: 0.9456 },
      },
      others: [
        {
          name: 'V-Info',
          points: steps.filter((step) => step % 90 === 0).map((step) => [step, 0.98 - 0.2 * Math.exp(-step / 200)]),
        },
      ],
    },
    classNames: ['membrane', 'inside'],
    scoreName: 'V-Rand',
    sheetNote: 'White is the inside of cells. The prediction is cut at the threshold that is best for each image.',
    sheet: result.sheet,
    imageCount: result.imageCount,
    tables: [
      isbiTable(
        [
          {
            name: 'This run',
            values: [isbi.vRandThinned, isbi.vInfoThinned, isbi.warpingError, isbi.randError, isbi.pixelError].map(
              ({ value }) => score(value),
            ),
          },
        ],
        true,
        `${slices} slices held out of the training stack`,
      ),
    ],
    thresholds: [
      {
        title: 'Score',
        better: 'higher',
        series: [
          { name: 'V-Rand', points: isbi.curve.map(({ threshold, vRandThinned }) => [threshold, score(vRandThinned)]) },
          { name: 'V-Info', points: isbi.curve.map(({ threshold, vInfoThinned }) => [threshold, score(vInfoThinned)]) },
        ],
        best: { series: 'V-Rand', threshold: isbi.vRandThinned.threshold, value: isbi.vRandThinned.value },
      },
    ],
    worst: result.worst,
    best: result.best,
    dataset: [
      ['Folder', 'data/phantom'],
      ['Training images', '20'],
      ['Held out', String(slices)],
    ],
    network: [['Network', 'unet, base 32, depth 4']],
    machine: [['Processor', 'a <fast> & small one']],
    times: [['Training', '15 min 2 s']],
    decisions: ['depth 4, since patches of 256 pixels can be halved as often'],
    commands: ['lamella train data --minutes 15 --seed 0 --out runs/sample', 'lamella report runs/sample'],
    configuration: { seed: 0, note: '</pre><script>alert(1)</script>' },
  };
}
