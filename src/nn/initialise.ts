/** Initial values of parameters. Kernels are [outputs, inputs / group, ...kernel], dense weights [outputs, inputs]. */
import { elementCount, float32, type Shape } from '../array/ndarray.ts';
import type { Initialiser } from './network.ts';

/** Number of inputs that one output sums over: the product of all axes of the weight but the first. */
export function fanIn(shape: Shape): number {
  return elementCount(shape.slice(1));
}

/** All elements equal. */
export function constant(value: number): Initialiser {
  return (shape) => float32(shape, new Float32Array(elementCount(shape)).fill(value));
}

/** N(mean, std^2). */
export function normal(std: number, mean = 0): Initialiser {
  return (shape, random) => {
    const data = new Float32Array(elementCount(shape));
    for (let i = 0; i < data.length; i++) data[i] = mean + std * random.normal();
    return float32(shape, data);
  };
}

/**
 * N(0, 2 / N) with N the fan-in: preserves the variance through layers with ReLU. He et al. 2015, equation 10;
 * Ronneberger et al. 2015, section 3.
 * @param inputs N, if it is not the product of the weight's axes after the first (transposed convolutions).
 */
export function heNormal(inputs?: number): Initialiser {
  return (shape, random) => normal(Math.sqrt(2 / (inputs ?? fanIn(shape))))(shape, random);
}

/** U(-a, a), a = sqrt(6 / (fan-in + fan-out)), for tanh and sigmoid layers. Glorot & Bengio 2010, equation 16. */
export function xavierUniform(): Initialiser {
  return (shape, random) => {
    const outputs = shape[0] * elementCount(shape.slice(2));
    const bound = Math.sqrt(6 / (fanIn(shape) + outputs));
    const data = new Float32Array(elementCount(shape));
    for (let i = 0; i < data.length; i++) data[i] = random.between(-bound, bound);
    return float32(shape, data);
  };
}
