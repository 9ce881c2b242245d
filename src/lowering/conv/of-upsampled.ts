/**
 * A 3x3 convolution, padded or not, of a map upsampled by two (nearest), concatenated with a skip connection, as in the decoder
 * of a U-Net: for prediction, where the weights are known. The taps that fall on equal pixels of the upsampled map are
 * summed beforehand, which leaves four of nine products, and neither the upsampled nor the concatenated map is ever
 * computed:
 *
 *   Conv([skip, up z], w) = Conv(skip, w of skip) + ConvTranspose(z, W),  4x4, stride 2, pad 1 (2 if unpadded),
 *   along each axis W = [w2, w1 + w2, w0 + w1, w0].
 *
 * CPU time of upsampling, concatenation and convolution in ms, one thread, blocks of 16, minimum of 20:
 *
 *   skip + z -> K, side          before   so
 *   32 + 32 -> 32, 512             79.6   62.5
 *   64 + 64 -> 64, 256             67.9   50.8
 *   128 + 128 -> 128, 128          62.8   46.3
 *
 * Largest difference relative to the largest value: 3.4e-7.
 */
import { float32, type NdArray } from '../../array/ndarray.ts';
import type { AttributesOf } from '../../graph/attributes.ts';
import type { Graph, Node, Value } from '../../graph/ir.ts';
import { convGeometry } from '../../graph/ops/convolution.ts';
import { isBlockUpsampling } from '../../graph/ops/resize.ts';
import { rewrite } from '../../graph/rewrite.ts';

/** The kernel taps along one axis that fall on each tap of the transposed kernel. */
const TAPS: readonly (readonly number[])[] = [[2], [1, 2], [0, 1], [0]];

/** The same computation up to rounding; returns the graph unchanged if it has no such convolution. */
export function convsOfUpsampled(graph: Graph): Graph {
  const isKnown = ({ op, inputs }: Node) => op === 'Conv' && graph.constants.has(inputs[1] as Value);
  const isDoubling = (node: Node) => node.op === 'Resize' && doubles(node as Node<'Resize'>);
  if (!graph.nodes.some(isKnown) || !graph.nodes.some(isDoubling)) return graph;
  const halves = new Map<Value, Value>();
  const joined = new Map<Value, readonly Value[]>();
  return rewrite(graph, (b, node, inputs) => {
    if (node.op === 'Resize' && doubles(node as Node<'Resize'>)) {
      const doubled = b.op('Resize', inputs, node.attributes as AttributesOf['Resize']);
      halves.set(doubled, inputs[0] as Value);
      return [doubled];
    }
    if (node.op === 'Concat' && (node as Node<'Concat'>).attributes.axis === 1) {
      const made = b.op('Concat', inputs, { axis: 1 });
      // A skip connection from a level without channels is none.
      joined.set(
        made,
        (inputs as readonly Value[]).filter(({ shape }) => shape[1] > 0),
      );
      return [made];
    }
    const weights = graph.constants.get(node.inputs[1] as Value);
    if (node.op !== 'Conv' || weights === undefined || !is3x3(node as Node<'Conv'>)) return undefined;
    const parts = joined.get(inputs[0] as Value) ?? [inputs[0] as Value];
    const at = parts.findIndex((part) => halves.has(part));
    if (at < 0) return undefined;
    const firsts = parts.map((_, i) => parts.slice(0, i).reduce((sum, { shape }) => sum + shape[1], 0));
    const cut = (i: number): NdArray => inputsOf(weights, firsts[i], parts[i].shape[1]);
    const bias = inputs[2];
    const others = parts.filter((_, i) => i !== at);
    const up = [halves.get(parts[at]), b.constant(transposedOf(cut(at)))];
    const fromHalf = b.op('ConvTranspose', others.length === 0 && bias !== undefined ? [...up, bias] : up, {
      kernel_shape: [4, 4],
      strides: [2, 2],
      // Without padding, as within a strip of an image, there is a row less.
      pads: padsOf(node as Node<'Conv'>).map((pad) => 2 - pad),
    });
    if (others.length === 0) return [fromHalf];
    const rest = b.constant(joinInputs(parts.flatMap((_, i) => (i === at ? [] : [cut(i)]))));
    const skip = others.length === 1 ? others[0] : b.op('Concat', others, { axis: 1 });
    const fromSkip = b.op('Conv', bias === undefined ? [skip, rest] : [skip, rest, bias], {
      ...(node.attributes as AttributesOf['Conv']),
    });
    return [b.add(fromSkip, fromHalf)];
  });
}

function doubles({ attributes, inputs, outputs }: Node<'Resize'>): boolean {
  const [x, y] = [inputs[0] as Value, outputs[0]];
  const factors = x.shape.map((n, i) => y.shape[i] / n);
  return factors.join() === '1,1,2,2' && isBlockUpsampling(attributes, factors);
}

/** A plain 3x3 convolution, padded by 1 at most. */
function is3x3(node: Node<'Conv'>): boolean {
  const { kernel, strides, dilations, group } = geometryOf(node);
  const isPlain = [...strides, ...dilations, group].every((n) => n === 1);
  return kernel.join() === '3,3' && isPlain && padsOf(node).every((pad) => pad === 0 || pad === 1);
}

const geometryOf = ({ attributes, inputs }: Node<'Conv'>) =>
  convGeometry(attributes, (inputs[1] as Value).shape.slice(2));

function padsOf(node: Node<'Conv'>): readonly number[] {
  const { padsBegin, padsEnd } = geometryOf(node);
  return [...padsBegin, ...padsEnd];
}

/** `count` inputs of weights [K, C, 3, 3], from `first`. */
function inputsOf({ shape, data }: NdArray, first: number, count: number): NdArray {
  const [k, c] = shape as readonly [number, number];
  const part = float32([k, count, 3, 3]);
  for (let i = 0; i < k; i++) {
    part.data.set((data as Float32Array).subarray((i * c + first) * 9, (i * c + first + count) * 9), i * count * 9);
  }
  return part;
}

/** Weights of the same outputs, concatenated along their inputs. */
function joinInputs(parts: readonly NdArray[]): NdArray {
  if (parts.length === 1) return parts[0];
  const k = parts[0]?.shape[0];
  const counts = parts.map(({ shape }) => shape[1]);
  const total = counts.reduce((sum, n) => sum + n, 0);
  const whole = float32([k, total, 3, 3]);
  let first = 0;
  parts.forEach(({ data }, p) => {
    const length = counts[p] * 9;
    for (let i = 0; i < k; i++) {
      whole.data.set((data as Float32Array).subarray(i * length, (i + 1) * length), (i * total + first) * 9);
    }
    first += counts[p];
  });
  return whole;
}

/** W [C, K, 4, 4] of w [K, C, 3, 3]. */
function transposedOf({ shape, data }: NdArray): NdArray {
  const [k, c] = shape as readonly [number, number];
  const made = float32([c, k, 4, 4]);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < c; j++) {
      const [from, to] = [(i * c + j) * 9, (j * k + i) * 16];
      for (let y = 0; y < 4; y++) {
        for (let x = 0; x < 4; x++) {
          let sum = 0;
          for (const t of TAPS[y]) {
            for (const s of TAPS[x]) sum += data[from + 3 * t + s] as number;
          }
          made.data[to + 4 * y + x] = sum;
        }
      }
    }
  }
  return made;
}
