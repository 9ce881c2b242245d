import { describe, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { ModelError } from '../../src/errors.ts';
import { checkGraph } from '../../src/graph/check.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { bindShapes } from '../../src/graph/rewrite.ts';
import { exportedSpec, exportNetwork, predictionGraph } from '../../src/models/prediction.ts';
import type { ModelSpec } from '../../src/models/registry.ts';
import { buildNetwork, sizesOf } from '../../src/models/registry.ts';
import { initialWeights } from '../../src/train/step.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { cpu, runGraph } from '../support/run-graph.ts';

const SPECS: readonly (readonly [string, ModelSpec])[] = [
  ['unet', { name: 'unet', channels: 1, numClasses: 1, baseChannels: 4, depth: 2 }],
  [
    'unet of three classes, linear',
    { name: 'unet', channels: 2, numClasses: 3, baseChannels: 4, depth: 2, upsampling: 'linear' },
  ],
  [
    'unet with standardised weights',
    { name: 'unet', channels: 1, numClasses: 1, baseChannels: 4, depth: 2, norm: 'weight' },
  ],
  [
    'unet with instance norm and residual blocks',
    { name: 'unet', channels: 1, numClasses: 1, baseChannels: 4, depth: 2, norm: 'instance', residual: true },
  ],
  ['unet2015', { name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 2 }],
];

function weightsOf(spec: ModelSpec) {
  const { min } = sizesOf(spec);
  const weights = initialWeights(buildNetwork(spec, [1, spec.channels, min, min]).parameters, 3);
  // Gains other than 1, so that folding them is seen.
  for (const [name, array] of Object.entries(weights))
    if (name.endsWith('gain')) (array.data as Float32Array).fill(1.3);
  return weights;
}

describe.each(SPECS)('%s', (_, spec) => {
  const { min, multiple, margin } = sizesOf(spec);

  test('exported as a file runs on other sizes and batches, as the graph of that size does', async () => {
    const weights = weightsOf(spec);
    const file = await (await cpu()).load(writeOnnx(exportNetwork(spec, weights)));
    expect(file.inputs).toEqual([
      { name: 'image', dtype: 'float32', shape: ['batch', spec.channels, 'height', 'width'] },
    ]);
    for (const [batch, height, width] of [
      [1, min, min],
      [2, min + multiple, min + 3 * multiple],
    ] as const) {
      const shape = [batch, spec.channels, height, width] as const;
      const image = float32(
        shape,
        Float32Array.from({ length: batch * spec.channels * height * width }, (_, i) => Math.sin(i * i)),
      );
      const { probabilities } = await file.run({ image });
      expect(probabilities?.shape).toEqual([batch, spec.numClasses, height - margin, width - margin]);
      const direct = await runGraph(predictionGraph(spec, shape), { image, ...weights });
      // Two compilations may sum in another order.
      expectAllClose(probabilities?.data as Float32Array, direct.probabilities?.data as Float32Array, { atol: 2e-6 });
    }
    await file.dispose();
  });

  test('exported graph is well formed and can be bound to another shape', () => {
    const graph = exportNetwork(spec, weightsOf(spec));
    checkGraph(graph);
    const bound = bindShapes(graph, { image: [1, spec.channels, min + multiple, min] });
    expect(bound.outputs[0]?.shape).toEqual([1, spec.numClasses, min + multiple - margin, min - margin]);
  });
});

test('the exported network has no more parameters than convolutions have', () => {
  const spec: ModelSpec = { name: 'unet', channels: 1, numClasses: 1, baseChannels: 2, depth: 1, norm: 'weight' };
  const names = buildNetwork(exportedSpec(spec), [1, 1, 2, 2]).parameters.map(({ value }) => value.name);
  const held = [...exportNetwork(spec, weightsOf(spec)).constants.keys()].map(({ name }) => name);
  expect(names.some((name) => name.endsWith('gain'))).toBe(false);
  expect(held).toEqual(expect.arrayContaining(names));
});

test('a missing weight is named', () => {
  const spec: ModelSpec = { name: 'unet', channels: 1, numClasses: 1, baseChannels: 2, depth: 1 };
  const { 'decoder0/up/bias': _, ...rest } = weightsOf(spec);
  expect(() => exportNetwork(spec, rest)).toThrow(ModelError);
  expect(() => exportNetwork(spec, rest)).toThrow("'decoder0/up/bias' of the network 'unet' is missing, not [2]");
});
