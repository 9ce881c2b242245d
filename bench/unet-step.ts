/** A padded U-Net of the paper's shape with its whole training step in one graph, for benchmarks and tests. */
import { float32, type NdArray, ndarray, type Shape } from '../src/array/ndarray.ts';
import { backward } from '../src/graph/autodiff.ts';
import { GraphBuilder } from '../src/graph/builder.ts';
import type { Graph, Value } from '../src/graph/ir.ts';
import { softmaxTerm } from '../src/nn/losses/cross-entropy.ts';

export interface UnetStepOptions {
  readonly base?: number;
  readonly levels?: number;
  readonly size?: number;
  readonly batch?: number;
  readonly classes?: number;
  /** How the decoder doubles the size. */
  readonly up?: 'transposed' | 'nearest';
}

export interface UnetStep {
  readonly graph: Graph;
  readonly state: { readonly [input: string]: string };
  readonly initial: { readonly [input: string]: NdArray };
  readonly feeds: { readonly [input: string]: NdArray };
  readonly parameterCount: number;
}

/** A small reproducible generator; benchmarks need no quality of randomness. */
export function noise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296 - 0.5;
  };
}

export function unetStep({
  base = 32,
  levels = 5,
  size = 256,
  batch = 1,
  classes = 2,
  up = 'transposed',
}: UnetStepOptions = {}): UnetStep {
  const b = new GraphBuilder('unet-step');
  const random = noise(1);
  const fill = (shape: Shape, scale: number) => {
    const array = float32(shape);
    for (let i = 0; i < array.data.length; i++) array.data[i] = random() * 2 * scale;
    return array;
  };
  const parameters: Value[] = [];
  const initial: { [input: string]: NdArray } = {};
  const parameter = (name: string, shape: Shape, scale: number) => {
    const value = b.input(name, 'float32', shape);
    parameters.push(value);
    initial[name] = fill(shape, scale);
    return value;
  };
  const conv = (name: string, x: Value, k: number, side: number, relu = true) => {
    const c = x.shape[1] as number;
    const w = parameter(`${name}.weight`, [k, c, side, side], Math.sqrt(3 / (c * side * side)) * (relu ? 1.4 : 1));
    const bias = parameter(`${name}.bias`, [k], 0);
    const pad = (side - 1) / 2;
    const y = b.op('Conv', [x, w, bias], { kernel_shape: [side, side], pads: [pad, pad, pad, pad] });
    return relu ? b.op('Relu', [y]) : y;
  };
  const double = (name: string, x: Value, k: number) => conv(`${name}.1`, conv(`${name}.0`, x, k, 3), k, 3);

  const x = b.input('x', 'float32', [batch, 1, size, size]);
  const labels = b.input('labels', 'int32', [batch, size, size]);
  const rate = b.input('rate', 'float32', []);
  const skips: Value[] = [];
  let y = x;
  for (let level = 0; level < levels; level++) {
    y = double(`down${level}`, y, base << level);
    if (level < levels - 1) {
      skips.push(y);
      y = b.op('MaxPool', [y], { kernel_shape: [2, 2], strides: [2, 2] });
    }
  }
  for (let level = levels - 2; level >= 0; level--) {
    const k = base << level;
    const c = y.shape[1] as number;
    if (up === 'transposed') {
      const w = parameter(`up${level}.weight`, [c, k, 2, 2], Math.sqrt(3 / c));
      const bias = parameter(`up${level}.bias`, [k], 0);
      y = b.op('ConvTranspose', [y, w, bias], { kernel_shape: [2, 2], strides: [2, 2] });
    } else {
      const scales = b.constant(float32([4], [1, 1, 2, 2]));
      const larger = b.op('Resize', [y, undefined, scales], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      });
      y = conv(`up${level}`, larger, k, 3, false);
    }
    y = double(`decode${level}`, b.op('Concat', [skips[level] as Value, y], { axis: 1 }), k);
  }
  const logits = conv('head', y, classes, 1, false);
  const perPixel = softmaxTerm(b, logits, labels);
  const loss = b.op('ReduceMean', [perPixel, b.ints([0, 1, 2, 3])], { keepdims: 0 });

  const nodes = b.build([loss]).nodes;
  const gradients = b.scoped('backward', () => backward(b, nodes, loss, parameters));
  const state: { [input: string]: string } = {};
  const outputs = [b.output(loss, 'loss')];
  parameters.forEach((p, i) => {
    const v = b.input(`${p.name}:velocity`, 'float32', p.shape);
    initial[v.name] = float32(p.shape);
    const velocity = b.add(b.mul(v, b.scalar(0.9)), gradients[i] as Value);
    outputs.push(b.output(velocity, `${v.name}:next`));
    outputs.push(b.output(b.sub(p, b.mul(velocity, rate)), `${p.name}:next`));
    state[v.name] = `${v.name}:next`;
    state[p.name] = `${p.name}:next`;
  });
  const classOf = ndarray('int32', labels.shape);
  const pixels = size * size;
  const image = fill(x.shape, 1);
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < pixels; i++) {
      const row = Math.floor(i / size);
      const inside = (row - size / 2) ** 2 + ((i % size) - size / 2) ** 2 < (size / 3) ** 2;
      if (!inside) continue;
      classOf.data[n * pixels + i] = 1;
      image.data[n * pixels + i] = (image.data[n * pixels + i] as number) + 0.5;
    }
  }
  return {
    graph: b.build(outputs),
    state,
    initial,
    feeds: { x: image, labels: classOf, rate: float32([], [0.01]) },
    parameterCount: parameters.reduce((n, p) => n + p.shape.reduce((a, c) => a * c, 1), 0),
  };
}
