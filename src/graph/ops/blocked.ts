/**
 * ONNX Runtime's blocked kernels (domain com.microsoft.nchwc): declared shapes stay [N, C, H, W], while the memory is
 * [N][C/block][H][W][block]. Also its matrix product with a transposed input. Only lowering creates these, so they have
 * no gradient.
 */
import { inferSame, noGradient, type OpRow, unknown } from '../op-row.ts';
import { CONV_KINDS, type ConvAttributes, convGeometry, convolvedSizes } from './convolution.ts';
import { POOL_KINDS, type PoolAttributes, pooledSizes } from './pooling.ts';

/** The attributes of each op. */
export interface Blocked {
  'nchwc.ReorderInput': { readonly channels_last?: 0 };
  'nchwc.ReorderOutput': { readonly channels: number; readonly channels_last?: 0 };
  'nchwc.Conv': ConvAttributes & { readonly activation?: 'Relu' };
  'nchwc.MaxPool': PoolAttributes;
  'nchwc.AveragePool': PoolAttributes & { readonly count_include_pad?: 0 | 1 };
  'nchwc.Upsample': { readonly scales: readonly number[]; readonly mode?: 'nearest' };
  'microsoft.FusedMatMul': { readonly transBatchB: 1 };
}

const NOT_ANALYSED = unknown('it appears only in lowered graphs, which are not analysed');
const DOMAIN = 'com.microsoft.nchwc';

/** A row of an op that appears in lowered graphs only. */
function lowered<K extends keyof Blocked>(row: Pick<OpRow<K>, 'domain' | 'arity' | 'attributes' | 'infer'>): OpRow<K> {
  return {
    ...row,
    opset: 1,
    axes: NOT_ANALYSED,
    traits: { kind: 'lowered', macs: NOT_ANALYSED, trainable: [], known: [] },
    gradient: noGradient('it appears only in lowered graphs, which are not differentiated again'),
  };
}

function pool<K extends 'nchwc.MaxPool' | 'nchwc.AveragePool'>(attributes: OpRow<K>['attributes']): OpRow<K> {
  return lowered({
    domain: DOMAIN,
    arity: [1, 1],
    attributes,
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      return [{ dtype, shape: [...shape.slice(0, 2), ...pooledSizes(shape.slice(2), context.node.attributes)] }];
    },
  });
}

export const BLOCKED: { readonly [K in keyof Blocked]: OpRow<K> } = {
  'nchwc.ReorderInput': lowered({
    domain: DOMAIN,
    arity: [1, 1],
    attributes: { channels_last: 'int' },
    infer: inferSame,
  }),
  'nchwc.ReorderOutput': lowered({
    domain: DOMAIN,
    arity: [1, 1],
    attributes: { channels: 'int', channels_last: 'int' },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      return [{ dtype, shape: shape.map((n, i) => (i === 1 ? context.node.attributes.channels : n)) }];
    },
  }),
  // Inputs: x, weights, bias, sum (added to the result before the activation)
  'nchwc.Conv': lowered({
    domain: DOMAIN,
    arity: [2, 4],
    attributes: { ...CONV_KINDS, activation: 'string' },
    infer: (context) => {
      const [x, w] = [context.input(0), context.input(1)];
      const g = convGeometry(context.node.attributes, context.node.attributes.kernel_shape ?? w.shape.slice(2));
      return [{ dtype: x.dtype, shape: [x.shape[0], w.shape[0], ...convolvedSizes(x.shape.slice(2), g)] }];
    },
  }),
  'nchwc.MaxPool': pool(POOL_KINDS),
  'nchwc.AveragePool': pool({ ...POOL_KINDS, count_include_pad: 'int' }),
  'nchwc.Upsample': lowered({
    domain: DOMAIN,
    arity: [1, 1],
    attributes: { scales: 'ints', mode: 'string' },
    infer: (context) => {
      const { dtype, shape } = context.input(0);
      return [{ dtype, shape: shape.map((n, i) => n * context.node.attributes.scales[i]) }];
    },
  }),
  // Inputs: a matrix A [1, M, K], and B [K, batch, N], read as [batch, K, N] in place.
  'microsoft.FusedMatMul': lowered({
    domain: 'com.microsoft',
    arity: [2, 2],
    attributes: { transBatchB: 'int' },
    infer: (context) => {
      const [a, b] = [context.input(0), context.input(1)];
      const [rows, inner] = a.shape.slice(-2) as [number, number];
      const [outer, batch, columns] = b.shape as readonly [number, number, number];
      if (b.shape.length !== 3 || inner !== outer) context.fail(`${a.shape.join()} and ${b.shape.join()} do not fit.`);
      return [{ dtype: a.dtype, shape: [batch, rows, columns] }];
    },
  }),
};
