import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { elementCount, float32, type NdArray, type Shape } from '../../../src/array/ndarray.ts';
import { stream } from '../../../src/array/random.ts';
import { dependsOn, receptiveField, tileRule, traceDependence } from '../../../src/graph/analysis/receptive-field.ts';
import { GraphBuilder } from '../../../src/graph/builder.ts';
import type { Graph, Value } from '../../../src/graph/ir.ts';
import { writeOnnx } from '../../../src/graph/onnx/write.ts';
import { unet } from '../../../src/models/unet.ts';
import { unet2015 } from '../../../src/models/unet2015.ts';

type Layer =
  | { readonly kind: 'conv'; kernel: number; stride: number; dilation: number; pads: [number, number] }
  | { readonly kind: 'transposed'; kernel: number; stride: number; pad: number }
  | { readonly kind: 'max' | 'average'; kernel: number; stride: number; pad: number }
  | { readonly kind: 'nearest' | 'linear'; factor: number }
  | { readonly kind: 'crop'; begin: number; end: number }
  | { readonly kind: 'zeros'; begin: number; end: number }
  | { readonly kind: 'block'; factor: number }
  | { readonly kind: 'skip'; layers: readonly Layer[] };

/** Every weight is positive and the input too, so that each dependence shows in the values. */
function positive(b: GraphBuilder, shape: Shape): Value {
  const random = stream(1, 'positive');
  return b.constant(
    float32(
      shape,
      Float32Array.from({ length: elementCount(shape) }, () => 0.2 + random.uniform()),
    ),
  );
}

function layer(b: GraphBuilder, x: Value, l: Layer): Value {
  switch (l.kind) {
    case 'conv':
      return b.op('Conv', [x, positive(b, [1, 1, l.kernel, l.kernel])], {
        strides: [l.stride, l.stride],
        dilations: [l.dilation, l.dilation],
        pads: [l.pads[0], l.pads[0], l.pads[1], l.pads[1]],
      });
    case 'transposed':
      return b.op('ConvTranspose', [x, positive(b, [1, 1, l.kernel, l.kernel])], {
        strides: [l.stride, l.stride],
        pads: [l.pad, l.pad, l.pad, l.pad],
      });
    case 'max':
    case 'average':
      return b.op(l.kind === 'max' ? 'MaxPool' : 'AveragePool', [x], {
        kernel_shape: [l.kernel, l.kernel],
        strides: [l.stride, l.stride],
        pads: [l.pad, l.pad, l.pad, l.pad],
      });
    case 'nearest':
    case 'linear':
      return b.op(
        'Resize',
        [x, undefined, b.constant(float32([4], [1, 1, l.factor, l.factor]))],
        l.kind === 'linear'
          ? { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }
          : { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      );
    case 'crop':
      return b.slice(x, [l.begin, l.begin], [-l.end - 1, -l.end - 1], [2, 3]);
    case 'zeros':
      return b.op('Pad', [x, b.ints([0, 0, l.begin, l.begin, 0, 0, l.end, l.end])]);
    case 'block':
      return b.op('DepthToSpace', [b.op('SpaceToDepth', [x], { blocksize: l.factor })], { blocksize: l.factor });
    case 'skip': {
      const y = l.layers.reduce((value, inner) => layer(b, value, inner), x);
      const surplus = (x.shape[2] as number) - (y.shape[2] as number);
      const start = Math.floor(surplus / 2);
      const cropped = surplus <= 0 ? x : b.slice(x, [start, start], [start - surplus, start - surplus], [2, 3]);
      return b.add(y, cropped);
    }
  }
}

function build(layers: readonly Layer[], side: number): { graph: Graph; x: Value; y: Value } {
  const b = new GraphBuilder('layers');
  const x = b.input('x', 'float32', [1, 1, side, side]);
  const y = b.output(
    layers.reduce((value, l) => layer(b, value, l), x),
    'y',
  );
  return { graph: b.build([y]), x, y };
}

async function run(graph: Graph, feeds: { readonly [name: string]: NdArray<'float32'> }): Promise<Float32Array> {
  // As written: the optimizer fuses Pad into MaxPool and then refuses the result.
  const session = await InferenceSession.create(writeOnnx(graph), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    graphOptimizationLevel: 'disabled',
  });
  const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [name, new Tensor('float32', data, shape)]);
  const { y } = await session.run(Object.fromEntries(tensors));
  await session.release();
  return (y as Tensor).data as Float32Array;
}

function image(side: number, shift = 0): NdArray<'float32'> {
  // The same field of values, seen from `shift` on
  const value = (i: number, j: number) => 1 + 0.5 * Math.sin(1.7 * i + 0.3 * j * j) + 0.3 * Math.cos(2.9 * j * i);
  const data = Float32Array.from({ length: side * side }, (_, k) =>
    value(Math.floor(k / side) + shift, (k % side) + shift),
  );
  return float32([1, 1, side, side], data);
}

const small = fc.integer({ min: 1, max: 3 });
const convLayer = fc.record({
  kind: fc.constant('conv' as const),
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.constantFrom(1, 1, 1, 2, 3),
  dilation: fc.constantFrom(1, 1, 2),
  pads: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
});
const plainLayer: fc.Arbitrary<Layer> = fc.oneof(
  convLayer,
  convLayer,
  fc.record({
    kind: fc.constant('transposed' as const),
    kernel: fc.integer({ min: 2, max: 4 }),
    stride: fc.constantFrom(2, 2, 3),
    pad: fc.constantFrom(0, 1),
  }),
  fc.record({
    kind: fc.constantFrom('max' as const, 'average' as const),
    kernel: fc.integer({ min: 2, max: 3 }),
    stride: small,
    pad: fc.constantFrom(0, 1),
  }),
  fc.record({ kind: fc.constantFrom('nearest' as const, 'linear' as const), factor: fc.integer({ min: 2, max: 3 }) }),
  fc.record({ kind: fc.constant('crop' as const), begin: fc.constantFrom(0, 1, 2), end: fc.constantFrom(0, 1, 2) }),
  fc.record({ kind: fc.constant('zeros' as const), begin: fc.constantFrom(0, 1), end: fc.constantFrom(0, 2) }),
);
const same: fc.Arbitrary<Layer> = fc.constantFrom<Layer>(
  { kind: 'conv', kernel: 3, stride: 1, dilation: 1, pads: [1, 1] },
  { kind: 'conv', kernel: 3, stride: 1, dilation: 1, pads: [0, 0] },
  { kind: 'conv', kernel: 3, stride: 1, dilation: 2, pads: [2, 2] },
);
/** Down, something, up again, and the way around it. */
const skipLayer: fc.Arbitrary<Layer> = fc
  .tuple(same, fc.constantFrom('nearest' as const, 'linear' as const, 'transposed' as const))
  .map(([inner, up]) => ({
    kind: 'skip',
    layers: [
      { kind: 'max', kernel: 2, stride: 2, pad: 0 },
      inner,
      up === 'transposed' ? { kind: up, kernel: 2, stride: 2, pad: 0 } : { kind: up, factor: 2 },
    ],
  }));
const network = fc.array(fc.oneof({ weight: 3, arbitrary: plainLayer }, { weight: 1, arbitrary: skipLayer }), {
  minLength: 1,
  maxLength: 4,
});

/** A side from 40 on that the layers fit. */
function fitting(layers: readonly Layer[]): number | undefined {
  for (let side = 40; side < 46; side++) {
    try {
      build(layers, side);
      return side;
    } catch {
      // another size
    }
  }
  return undefined;
}

describe('receptive field', () => {
  it('of two 3x3 convolutions with a 2x2 pooling between is 8 with a jump of 2', () => {
    const conv: Layer = { kind: 'conv', kernel: 3, stride: 1, dilation: 1, pads: [1, 1] };
    const { graph, x, y } = build([conv, { kind: 'max', kernel: 2, stride: 2, pad: 0 }, conv], 16);
    const { fields, globalOps } = receptiveField(traceDependence(graph, x), y);
    expect(fields[0]).toEqual({ axis: 2, size: 8, jump: { numerator: 2, denominator: 1 }, offset: -3 });
    expect(globalOps).toEqual([]);
  });

  it('is what changes when one row of the input changes', async () => {
    await fc.assert(
      fc.asyncProperty(network, fc.nat(1000), async (layers, seed) => {
        const side = fitting(layers);
        fc.pre(side !== undefined);
        const { graph, x, y } = build(layers, side as number);
        const out = y.shape[2] as number;
        const row = seed % (side as number);
        const base = image(side as number);
        const changed = float32(base.shape, base.data.slice());
        for (let j = 0; j < (side as number); j++) changed.data[row * (side as number) + j] = 1000;
        const [before, after] = [await run(graph, { x: base }), await run(graph, { x: changed })];
        const dependence = traceDependence(graph, x);
        const hasGaps = layers.some((l) => l.kind === 'conv' && (l.dilation > 1 || l.stride > l.kernel));
        for (let p = 0; p < out; p++) {
          const [low, high] = dependsOn(dependence, y, 2, p) as readonly [number, number];
          let differs = false;
          for (let j = 0; j < out; j++) differs ||= before[p * out + j] !== after[p * out + j];
          const predicted = low <= row && row <= high;
          if (differs) expect(predicted, `output row ${p} changed, predicted ${low}..${high}`).toBe(true);
          // Gaps between taps and zero-sized contributions may hide a change, the ends of the interval not.
          const atEnd = row === low || row === high;
          if (predicted && !hasGaps && layers.every(({ kind }) => kind === 'conv')) {
            expect(differs || !atEnd, `output row ${p} of ${low}..${high} did not change`).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('tile rule', () => {
  it('of the U-Net of 2015 is 12 modulo 16 from 188, without 92 on each side', () => {
    const { builder, input, logits } = unet2015(
      { name: 'unet2015', channels: 1, numClasses: 2, baseChannels: 1 },
      [1, 1, 572, 572],
    );
    const rule = tileRule(builder.build([logits]), input, logits);
    expect(rule.exact).toBe(true);
    expect(rule.axes[0]).toEqual({
      axis: 2,
      multiple: 16,
      offset: 12,
      minimum: 188,
      marginBefore: 92,
      marginAfter: 92,
      haloBefore: 92,
      haloAfter: 92,
      scale: 1,
    });
  });

  it.each([1, 2, 4, 5])('of a padded U-Net that halves %i times is a multiple of 2^depth, without margin', (depth) => {
    const spec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 1, depth } as const;
    const { builder, input, logits } = unet(spec, [1, 1, 64, 96]);
    const { axes, exact } = tileRule(builder.build([logits]), input, logits);
    expect(exact).toBe(true);
    for (const axis of axes) {
      expect(axis).toMatchObject({ multiple: 2 ** depth, offset: 0, minimum: 2 ** depth, marginBefore: 0, scale: 1 });
      expect(axis.haloBefore).toBe(axis.haloAfter);
    }
  });

  it('names what looks at the whole image', () => {
    const spec = { name: 'unet', channels: 1, numClasses: 2, baseChannels: 1, depth: 1, norm: 'instance' } as const;
    const { builder, input, logits } = unet(spec, [1, 1, 64, 64]);
    const { exact, globalOps } = tileRule(builder.build([logits]), input, logits);
    expect(exact).toBe(false);
    expect(globalOps[0]).toMatch(/^InstanceNormalization '/);
  });

  it.each<[string, (b: GraphBuilder, x: Value) => Value]>([
    ['GlobalAveragePool', (b, x) => b.mul(x, b.op('GlobalAveragePool', [x]))],
    ['ReduceMean', (b, x) => b.sub(x, b.op('ReduceMean', [x, b.ints([2, 3])]))],
    ['Softmax', (b, x) => b.op('Softmax', [x], { axis: 3 })],
    ['Add', (b, x) => b.add(x, b.constant(float32([2, 1], [1, 2])))],
    ['MatMul', (b, x) => b.op('MatMul', [x, b.constant(float32([16, 16]))])],
  ])('%s over the image makes tiles inexact', (op, body) => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', op === 'Add' ? [1, 2, 2, 2] : [1, 2, 16, 16]);
    const y = body(b, x);
    const graph = b.build([y]);
    if (op === 'MatMul') expect(() => tileRule(graph, x, y)).toThrow(/does not follow axis 3/);
    else expect(tileRule(graph, x, y).globalOps[0]).toContain(op);
  });

  it('sees through layouts and joints', () => {
    const b = new GraphBuilder('g');
    const x = b.input('x', 'float32', [1, 4, 16, 16]);
    const last = b.op('Softmax', [b.transpose(x, [0, 2, 3, 1])], { axis: -1 });
    const flat = b.reshape(b.transpose(last, [0, 3, 1, 2]), [2, 2, 16, 16]);
    const zeros = b.op('ConstantOfShape', [b.ints([2, 2, 1, 16])]);
    const y = b.op('Concat', [zeros, flat], { axis: 2 });
    const { axes, exact } = tileRule(b.build([y]), x, y);
    expect(exact).toBe(true);
    expect(axes[0]).toMatchObject({ multiple: 1, haloBefore: 0, marginBefore: -1, marginAfter: 0 });
  });

  it('holds: a tile gives what the whole gives, up to the halo', async () => {
    await fc.assert(
      fc.asyncProperty(network, fc.integer({ min: 0, max: 2 }), async (layers, turns) => {
        const { first, last, differs, length } = await tileAgainstWhole(layers, turns);
        for (let p = first; p <= last; p++) {
          for (let q = first; q <= last; q++) expect(differs(p, q), `output ${p}, ${q} of ${length}`).toBe(false);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('holds: right before the halo a tile gives something else', async () => {
    // Without maxima, which may hide what they see of the padding, and without gaps between taps
    const dense = fc.oneof(
      convLayer.map((l) => ({ ...l, dilation: 1, stride: Math.min(l.stride, l.kernel) })),
      fc.constant({ kind: 'nearest' as const, factor: 2 }),
      fc.constant({ kind: 'zeros' as const, begin: 1, end: 2 }),
    );
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(dense, { minLength: 1, maxLength: 4 }), async (layers) => {
        const { first, last, differs, scale } = await tileAgainstWhole(layers, 1);
        // The halo is a whole number of input pixels, each of which is `scale` output pixels.
        const from = first - Math.ceil(2 * Math.max(1, scale));
        if (from < 0 || last <= first) return;
        let any = false;
        for (let p = from; p < first; p++) any ||= differs(p, Math.floor((first + last) / 2));
        expect(any, 'the halo is wider than needed').toBe(true);
        tried++;
      }),
      { numRuns: 40 },
    );
    expect(tried).toBeGreaterThan(5);
  });
});

/** Output pixels first..last of a tile are beyond its halos; `differs` compares them with the whole. */
async function tileAgainstWhole(layers: readonly Layer[], turns: number) {
  const side = fitting(layers);
  fc.pre(side !== undefined);
  const size = side as number;
  const tile = build(layers, size);
  const [rule] = tileRule(tile.graph, tile.x, tile.y).axes;
  if (rule === undefined) throw new Error('no rule');
  const { multiple, scale, marginBefore, marginAfter, haloBefore, haloAfter } = rule;
  const [before, after] = [turns * multiple, multiple];
  const whole = build(layers, size + before + after);
  const [w, t] = [whole.y.shape[2] as number, tile.y.shape[2] as number];
  expect(w - t, 'the output grows in step with the input').toBe((before + after) * scale);
  const ofWhole = await run(whole.graph, { x: image(size + before + after) });
  const ofTile = await run(tile.graph, { x: image(size, before) });
  const at = before * scale;
  const differs = (p: number, q: number) => {
    const a = ofTile[p * t + q] as number;
    const e = ofWhole[(p + at) * w + q + at] as number;
    // ONNX Runtime's linear Resize computes positions in float32: at 300 they are off by 2e-5.
    return Math.abs(a - e) > 1e-4 * Math.abs(e);
  };
  // Output pixel p covers the input from p / scale + margin on.
  const first = before === 0 ? 0 : Math.max(0, Math.ceil((haloBefore - marginBefore) * scale - 1e-9));
  const last = t - 1 - Math.max(0, Math.ceil((haloAfter - marginAfter) * scale - 1e-9));
  return { first, last, differs, scale, length: t };
}
