/**
 * Scaled weight standardisation: w = gain sqrt(2 / N) (v - mean) / sqrt(var + epsilon), with mean and variance over the
 * N inputs of each output and a learned `gain`. Normalises without touching the activations. Qiao et al. 2019; Brock et
 * al. 2021 (Characterizing signal propagation).
 */
import { float32, type NdArray, type Shape } from '../array/ndarray.ts';
import type { Value } from '../graph/ir.ts';
import { constant, fanIn, normal } from './initialise.ts';
import type { NetworkBuilder } from './network.ts';

const EPSILON = 1e-8;

/**
 * Standard deviation of the initial v. Its size has no effect on w, only on how far a step of Adam rotates v: with
 * sqrt(2 / N) kernels with many inputs rotate several times as fast as those with few, and learn worse
 * (docs/networks.md).
 */
const SPREAD = 0.1;

/** A new standardised kernel [K, C, h, w] (of volumes [K, C, d, h, w]): parameters `weight` (v) and `gain`. */
export function standardisedKernel(net: NetworkBuilder, shape: Shape): Value {
  const weight = net.parameter('weight', shape, normal(SPREAD), { decay: true });
  const axes = net.ints(shape.map((_, i) => i).slice(1));
  const gain = net.parameter('gain', [shape[0], ...shape.slice(1).map(() => 1)], constant(1), { decay: false });
  const centred = net.sub(weight, net.op('ReduceMean', [weight, axes], { keepdims: 1 }));
  const variance = net.op('ReduceMean', [net.mul(centred, centred), axes], { keepdims: 1 });
  const spread = net.op('Sqrt', [net.add(variance, net.scalar(EPSILON))]);
  const scale = net.mul(gain, net.scalar(Math.sqrt(2 / fanIn(shape))));
  return net.mul(centred, net.div(scale, spread));
}

/** The weights of the equivalent network without standardisation: every `<layer>/gain` folded into `<layer>/weight`. */
export function foldStandardised(weights: { readonly [parameter: string]: NdArray }): { [parameter: string]: NdArray } {
  const folded: { [parameter: string]: NdArray } = {};
  for (const [name, array] of Object.entries(weights)) {
    const gain = weights[name.replace(/weight$/, 'gain')];
    if (name.endsWith('/gain')) continue;
    folded[name] = name.endsWith('/weight') && gain !== undefined ? fold(array, gain) : array;
  }
  return folded;
}

function fold({ shape, data }: NdArray, gain: NdArray): NdArray {
  const inputs = fanIn(shape);
  const values = data as Float32Array;
  const out = new Float32Array(values.length);
  for (let k = 0; k < shape[0]; k++) {
    const row = values.subarray(k * inputs, (k + 1) * inputs);
    let mean = 0;
    for (let i = 0; i < inputs; i++) mean += row[i] / inputs;
    let variance = 0;
    for (let i = 0; i < inputs; i++) variance += (row[i] - mean) ** 2 / inputs;
    const scale = ((gain.data[k] as number) * Math.sqrt(2 / inputs)) / Math.sqrt(variance + EPSILON);
    for (let i = 0; i < inputs; i++) out[k * inputs + i] = (row[i] - mean) * scale;
  }
  return float32(shape, out);
}

/**
 * The inverse of `foldStandardised`, for fine-tuning an exported file: kernels with a gain in `parameters` become v with
 * the initial spread and the gain that restores them, up to rounding.
 */
export function unfoldStandardised(
  weights: { readonly [parameter: string]: NdArray },
  parameters: readonly string[],
): { [parameter: string]: NdArray } {
  const unfolded: { [parameter: string]: NdArray } = { ...weights };
  for (const name of parameters) {
    const kernel = name.endsWith('/gain') ? weights[name.replace(/gain$/, 'weight')] : undefined;
    if (kernel !== undefined) Object.assign(unfolded, unfold(name, kernel));
  }
  return unfolded;
}

/** v = SPREAD w / std(w), gain = std(w) sqrt(N / 2) sqrt(SPREAD^2 + epsilon) / SPREAD; a kernel of zeros: both 0. */
function unfold(name: string, { shape, data }: NdArray): { [parameter: string]: NdArray } {
  const inputs = fanIn(shape);
  const values = data as Float32Array;
  const v = new Float32Array(values.length);
  const gain = new Float32Array(shape[0]);
  for (let k = 0; k < shape[0]; k++) {
    const row = values.subarray(k * inputs, (k + 1) * inputs);
    let square = 0;
    for (let i = 0; i < inputs; i++) square += row[i] ** 2 / inputs;
    const spread = Math.sqrt(square);
    if (spread === 0) continue;
    for (let i = 0; i < inputs; i++) v[k * inputs + i] = (SPREAD * row[i]) / spread;
    gain[k] = (spread * Math.sqrt(inputs / 2) * Math.sqrt(SPREAD ** 2 + EPSILON)) / SPREAD;
  }
  return {
    [name.replace(/gain$/, 'weight')]: float32(shape, v),
    [name]: float32([shape[0], ...shape.slice(1).map(() => 1)], gain),
  };
}
