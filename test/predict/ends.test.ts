/** Networks of other programs whose input or outputs have another form than ours. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, type NdArray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { ModelError, UsageError } from '../../src/errors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Value } from '../../src/graph/ir.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { withOutput } from '../../src/models/chosen-output.ts';
import { openOnnxNetwork } from '../../src/models/onnx/open.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openModel } from '../../src/predict/open.ts';
import { predictPlanes } from '../../src/predict/predict.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const SIDE = 20;
const CLASSES = 3;
let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu' });
});
afterAll(() => runtime.dispose());

/** One layer from 1 to 3 channels, on an image of this name. */
function layer(b: GraphBuilder, x: Value, classes = CLASSES): Value {
  const random = stream(3, 'layer');
  const kernel = Float32Array.from({ length: classes * 9 }, () => random.normal());
  return b.op('Conv', [x, b.constant(float32([classes, 1, 3, 3], kernel))], { pads: [1, 1, 1, 1] });
}

type Outputs = readonly (readonly [name: string, value: Value])[];

function file(input: Parameters<GraphBuilder['input']>, body: (b: GraphBuilder, x: Value) => Outputs): Uint8Array {
  const b = new GraphBuilder('network');
  const made = body(b, b.input(...input));
  return writeOnnx(b.build(made.map(([name, value]) => b.output(value, name))));
}

const plain = (body: (b: GraphBuilder, x: Value) => Outputs) => file(['in', 'float32', [1, 1, SIDE, SIDE]], body);

const page = () => {
  const random = stream(1, 'page');
  const planes = Float32Array.from({ length: SIDE ** 2 }, () => Math.floor(random.between(0, 256)));
  return { planes, height: SIDE, width: SIDE };
};

async function predicted(bytes: Uint8Array, scale = 1): Promise<NdArray<'float32'>> {
  const model = await openModel(runtime, bytes);
  const { planes, ...size } = page();
  const result = await predictPlanes(model, { ...size, planes: planes.map((value) => value * scale) }, { border: 0 });
  await model.program.dispose();
  return result;
}

const reference = () =>
  predicted(
    plain((b, x) => [['scores', layer(b, x)]]),
    1 / 255,
  );

describe('gives what the network of our form gives', () => {
  test('channels last', async () => {
    const bytes = file(['in', 'float32', [1, SIDE, SIDE, 1]], (b, x) => [
      ['scores', b.transpose(layer(b, b.transpose(x, [0, 3, 1, 2])), [0, 2, 3, 1])],
    ]);
    const model = await openModel(runtime, bytes);
    expect(model.notes[0]).toBe('Its channels come last: [1, 20, 20, 1]; they are brought to the front.');
    expect(model.rule.y).toMatchObject({ halo: 1, exact: true, fixed: SIDE });
    await model.program.dispose();
    expectAllClose((await predicted(bytes, 1 / 255)).data, (await reference()).data, { rtol: 0, atol: 1e-6 });
    const network = openOnnxNetwork(bytes, 'last.onnx');
    expect(network.spec).toMatchObject({ channels: 1, numClasses: CLASSES });
  });

  test('bytes', async () => {
    const bytes = file(['in', 'uint8', [1, 1, SIDE, SIDE]], (b, x) => [
      ['scores', layer(b, b.div(b.op('Cast', [x], { to: 'float32' }), b.scalar(255)))],
    ]);
    const model = await openModel(runtime, bytes);
    expect(model.input.normalisation.numbers).toEqual([[0, 1]]);
    await model.program.dispose();
    expectAllClose((await predicted(bytes)).data, (await reference()).data, { rtol: 0, atol: 1e-6 });
  });

  test('labels that are the largest of several maps', async () => {
    const bytes = plain((b, x) => [['labels', b.op('ArgMax', [layer(b, x)], { axis: 1, keepdims: 0 })]]);
    const model = await openModel(runtime, bytes);
    expect(model.notes[0]).toMatch(/'labels' is the number of the class with the largest score: the scores are taken/);
    await model.program.dispose();
    expectAllClose((await predicted(bytes, 1 / 255)).data, (await reference()).data, { rtol: 0, atol: 1e-6 });
  });
});

describe('of several outputs', () => {
  const two = plain((b, x) => [
    ['first', layer(b, x)],
    ['second', b.neg(layer(b, x))],
  ]);

  test('none is taken silently, and each can be chosen', async () => {
    await expect(openModel(runtime, two)).rejects.toThrow(
      /2 maps that may be classes: first: float32 \[1, 3, 20, 20\]; second: float32 \[1, 3, 20, 20\]\. Choose one with `output`/,
    );
    const [first, second] = await Promise.all(['first', 'second'].map((output) => openModel(runtime, two, { output })));
    expect([first?.outputName, second?.outputName]).toEqual(['first', 'second']);
    expectAllClose((await predicted(withOutput(two, 'first'), 1 / 255)).data, (await reference()).data, {
      rtol: 0,
      atol: 1e-6,
    });
    expect(() => openOnnxNetwork(two, 'two.onnx')).toThrow(/two\.onnx: .*2 maps that may be classes/);
    expect(openOnnxNetwork(withOutput(two, 'second')).spec.numClasses).toBe(CLASSES);
    await first?.program.dispose();
    await second?.program.dispose();
  });

  test('another name is refused with those that there are', async () => {
    await expect(openModel(runtime, two, { output: 'third' })).rejects.toThrow(UsageError);
    await expect(openModel(runtime, two, { output: 'third' })).rejects.toThrow(/no output 'third'; it gives first/);
  });

  test('the only one that may be classes is taken, and said', async () => {
    const bytes = plain((b, x) => [
      ['distances', layer(b, x, 32)],
      ['mask', layer(b, x, 2)],
      ['style', b.sum(layer(b, x), [2, 3])],
    ]);
    const model = await openModel(runtime, bytes);
    expect(model.outputName).toBe('mask');
    expect(model.notes).toContain("Of its 3 outputs 'mask' is taken, the only one that may be a map of classes.");
    await model.program.dispose();
  });
});

describe('what is no map of classes is not taken for one', () => {
  const refused = async (bytes: Uint8Array, why: RegExp) => {
    await expect(openModel(runtime, bytes)).rejects.toThrow(ModelError);
    await expect(openModel(runtime, bytes)).rejects.toThrow(why);
    expect(() => openOnnxNetwork(bytes)).toThrow(why);
  };

  test('flows and a cell probability beside a style vector, as of Cellpose', () =>
    refused(
      plain((b, x) => [
        ['y', layer(b, x)],
        ['s', b.sum(layer(b, x, 16), [2, 3])],
      ]),
      /y: float32 \[1, 3, 20, 20\] \(two flows and a cell probability, as Cellpose gives them\)/,
    ));

  test('a probability joined with distances, as of StarDist', () =>
    refused(
      plain((b, x) => [['y', b.op('Concat', [b.op('Sigmoid', [layer(b, x, 1)]), layer(b, x, 32)], { axis: 1 })]]),
      /probabilities beside other values/,
    ));

  test('features, and maps by their names', async () => {
    await refused(
      plain((b, x) => [['y', b.op('Relu', [layer(b, x, 16)])]]),
      /distances or features/,
    );
    await refused(
      plain((b, x) => [['flow_xy', layer(b, x)]]),
      /by its name no classes/,
    );
  });

  test('but where the user says so', async () => {
    const bytes = plain((b, x) => [['flow', layer(b, x)]]);
    const model = await openModel(runtime, bytes, { output: 'flow' });
    expect(model.outputs).toBe(CLASSES);
    await model.program.dispose();
  });
});
