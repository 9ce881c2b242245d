/**
 * The memory layouts in which each value of the lowered graph exists so far. A value keeps its shape [N, C, H, W] in
 * every layout:
 *
 *   plain    [N][C][H][W]
 *   blocked  [N][C/B][H][W][B], activations, where C is a multiple of the block size B
 *   kernel   [K/B][C/B][kh][kw][B of C][B of K], weights [K, C, kh, kw], where K and C are multiples of B
 *
 * A requested layout that does not exist yet is made from another one, once.
 */
import { elementCount, type NdArray, ndarray, type Shape } from '../../array/ndarray.ts';
import { GraphError } from '../../errors.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import { describeValue, type Value } from '../../graph/ir.ts';
import { kernelFromPlain, plainFromKernel } from './kernels.ts';

export type Layout = 'plain' | 'blocked' | 'kernel';

export class Forms {
  readonly b: GraphBuilder;
  readonly block: number;
  readonly #forms = new Map<Value, { [L in Layout]?: Value }>();

  constructor(b: GraphBuilder, block: number) {
    this.b = b;
    this.block = block;
  }

  /** Whether the device is a CPU with blocked kernels. */
  get onBlockedKernels(): boolean {
    return Number.isFinite(this.block);
  }

  /** Whether the value can be stored in blocks of channels. */
  canBlock(value: Value): boolean {
    const { shape } = value;
    return shape.length === 4 && shape[1] % this.block === 0 && shape[1] > 0;
  }

  /** Whether the value can be stored as blocked kernels. */
  canBeKernel(value: Value): boolean {
    const { shape, dtype } = value;
    return dtype === 'float32' && shape.length === 4 && shape[0] % this.block === 0 && shape[1] % this.block === 0;
  }

  has(value: Value, layout: Layout): boolean {
    return this.#forms.get(value)?.[layout] !== undefined;
  }

  /** Whether the value exists in this layout and not in the plain one. */
  only(value: Value, layout: Layout): boolean {
    const forms = this.#forms.get(value);
    return forms?.[layout] !== undefined && forms.plain === undefined;
  }

  set(value: Value, layout: Layout, made: Value): void {
    if (made.shape.join() !== value.shape.join()) {
      throw new GraphError(`${describeValue(value)} was lowered to ${describeValue(made)}.`);
    }
    const forms = this.#forms.get(value) ?? {};
    forms[layout] = made;
    this.#forms.set(value, forms);
  }

  /** Makes `value` identical to `other` in every layout, now and later. */
  alias(value: Value, other: Value): void {
    const forms = this.#forms.get(other);
    if (forms === undefined) throw new GraphError(`${describeValue(other)} is used before it is computed.`);
    this.#forms.set(value, forms);
  }

  get(value: Value, layout: Layout): Value {
    const forms = this.#forms.get(value);
    if (forms === undefined) throw new GraphError(`${describeValue(value)} is used before it is computed.`);
    const made = forms[layout] ?? this.#convert(value, forms, layout);
    forms[layout] = made;
    return made;
  }

  plain(value: Value): Value {
    return this.get(value, 'plain');
  }

  blocked(value: Value): Value {
    return this.get(value, 'blocked');
  }

  kernel(value: Value): Value {
    return this.get(value, 'kernel');
  }

  #convert(value: Value, forms: { readonly [L in Layout]?: Value }, to: Layout): Value {
    const { b, block } = this;
    if (to === 'blocked') {
      const from = this.get(value, 'plain');
      if (pixelCount(value.shape) === 1) return from;
      return value.dtype === 'float32'
        ? b.op('nchwc.ReorderInput', [from])
        : exchanged(b, from, block, [block, pixelCount(value.shape)]);
    }
    if (to === 'kernel') return kernelFromPlain(b, this.get(value, 'plain'), block);
    if (forms.blocked !== undefined) {
      if (pixelCount(value.shape) === 1) return forms.blocked;
      return value.dtype === 'float32'
        ? b.op('nchwc.ReorderOutput', [forms.blocked], { channels: value.shape[1] })
        : exchanged(b, forms.blocked, block, [pixelCount(value.shape), block]);
    }
    if (forms.kernel !== undefined) return plainFromKernel(b, forms.kernel, block);
    throw new GraphError(`${describeValue(value)} has no layout.`);
  }
}

function pixelCount(shape: Shape): number {
  return elementCount(shape.slice(2));
}

/** Blocks a value of any dtype, or makes it plain again: every [rows][columns] as [columns][rows]. */
function exchanged(b: GraphBuilder, x: Value, block: number, lastAxes: readonly [number, number]): Value {
  const [n, c] = x.shape as readonly [number, number];
  return b.reshape(b.transpose(b.reshape(x, [n, c / block, ...lastAxes]), [0, 1, 3, 2]), x.shape);
}

/** The `kernel` layout of an array [K, C, kh, kw], as `kernelFromPlain` computes it in the graph. */
export function packKernel(array: NdArray, block: number): NdArray {
  return permuteKernel(array, block, true);
}

/** The inverse of `packKernel`. */
export function unpackKernel(array: NdArray, block: number): NdArray {
  return permuteKernel(array, block, false);
}

function permuteKernel(array: NdArray, block: number, packs: boolean): NdArray {
  const [k, c, kh, kw] = array.shape;
  const taps = kh * kw;
  const stride = c * taps;
  const from = array.data as Float32Array;
  const result = ndarray('float32', array.shape);
  const to = result.data;
  let packed = 0;
  for (let k0 = 0; k0 < k; k0 += block) {
    for (let c0 = 0; c0 < c; c0 += block) {
      for (let tap = 0; tap < taps; tap++) {
        for (let i = c0; i < c0 + block; i++) {
          const first = k0 * stride + i * taps + tap;
          const end = first + block * stride;
          if (packs) for (let plain = first; plain < end; plain += stride) to[packed++] = from[plain];
          else for (let plain = first; plain < end; plain += stride) to[plain] = from[packed++];
        }
      }
    }
  }
  return result;
}
