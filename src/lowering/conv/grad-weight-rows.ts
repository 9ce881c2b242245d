/**
 * The gradient of the weights of 3 x n convolutions of stride 1, in blocks of channels, by F(4, 3) along the height
 * (minimal-filters.ts): half the multiplications. Four rows of y are A' (G w . B' x), so
 *
 *     dw = G' (A dy . B' x)       summed over tiles of four rows
 *
 *   V    B' times the six rows of x that a tile sees,
 *        between columns of zeros                        [C/B][6][tiles][row][B]
 *   D    A times the four rows of dy                     [6][K/B][tiles][row][B]
 *   M    a Conv of six groups, whose kernels are D       [C/B][6][K/B][n][B of C][B of K]
 *   dw   G' M, blocked kernels except for the order of the groups
 *
 * The Conv is the one of grad-weight-blocked.ts, which explains how it reads blocks and why it works in strips. Here
 * strips are free: tiles are gathered anyway. ms including all reordering, minimum of 20, ONNX Runtime 1.30, Xeon with
 * AVX-512; errors are the largest, relative to the largest value, on normal random numbers:
 *
 *                    1 thread            2 threads           error
 *   C -> K, side     direct   by rows    direct   by rows    direct   by rows
 *   32 -> 32, 256      12.9      12.1       6.5       5.9    1.3e-6    4.6e-6
 *   64 -> 64, 128       9.2       6.9       4.6       3.5    1.1e-6    3.5e-6
 *   128 -> 128, 64      8.2       5.8       4.2       2.9    1.3e-6    5.0e-6
 *   256 -> 256, 32      9.3       5.5       4.7       2.9    1.4e-6    2.9e-6
 *   512 -> 512, 16     10.3       7.0       5.6       4.0    0.6e-6    1.7e-6
 */
import { float32, int64 } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Value } from '../../graph/ir.ts';
import { convGeometry } from '../../graph/ops/convolution.ts';
import type { Formulation } from '../context.ts';
import { BLOCKS_AT_A_TIME, withZeroColumns } from './grad-weight-blocked.ts';
import { F4, matrix, transposed } from './minimal-filters.ts';

const { tile: TILE, points: POINTS } = F4;

/** A quarter of a megabyte of D at a time: V and its sources should stay in the cache too. */
const STRIP_FLOATS = 65_536;

export const convGradWeightByRows: Formulation<'lamella.ConvGradWeight'> = (lowering, node) => {
  const { b, forms, winograd } = lowering;
  const [dy, x] = node.inputs as readonly [Value, Value];
  const dw = node.outputs[0];
  const g = convGeometry(node.attributes, node.attributes.kernel_shape);
  const can =
    winograd !== 'never' &&
    x.shape.length === 4 &&
    g.group === 1 &&
    g.kernel[0] === 3 &&
    g.dilations.every((dilation) => dilation === 1) &&
    g.strides.every((stride) => stride === 1) &&
    forms.canBlock(x) &&
    forms.canBeKernel(dw);
  if (!can || !(winograd === 'always' || isFaster(dw, dy))) return false;

  const { block } = forms;
  const [n, c, height, width] = x.shape;
  const [, k, outHeight, outWidth] = dy.shape;
  const [groups, outGroups, kw] = [c / block, k / block, g.kernel[1]];
  const xRows = new Rows(b, forms.blocked(x), { images: n, groups, height, block });
  const dyRows = new Rows(b, forms.blocked(dy), { images: n, groups: outGroups, height: outHeight, block });

  const padTop = g.padsBegin[0];
  const tilesOfImage = Math.ceil(outHeight / TILE);
  const leavesImage = ({ row }: { readonly row: number }) =>
    row < padTop || row - padTop + POINTS > height || row + TILE > outHeight;
  const all = Array.from({ length: n * tilesOfImage }, (_, i) => ({
    image: Math.floor(i / tilesOfImage),
    row: TILE * (i % tilesOfImage),
  }));
  // These tiles come first, together: rows of their strip are read again to zero those outside the image.
  const tiles = [...all.filter(leavesImage), ...all.filter((tile) => !leavesImage(tile))];
  const atOnce = Math.max(1, Math.floor(STRIP_FLOATS / (Math.min(k, BLOCKS_AT_A_TIME * block) * outWidth)));
  let m: Value | undefined;
  for (let start = 0; start < tiles.length; start += atOnce) {
    const strip = tiles.slice(start, start + atOnce);
    const seen = xRows.gather(
      range(groups).flatMap((group) =>
        range(POINTS).flatMap((i) => strip.map(({ image, row }) => ({ image, group, row: row + i - padTop }))),
      ),
    );
    const given = dyRows.gather(
      range(TILE).flatMap((i) =>
        range(outGroups).flatMap((group) => strip.map(({ image, row }) => ({ image, group, row: row + i }))),
      ),
    );
    const v = b.op('MatMul', [
      b.constant(matrix(F4.input)),
      b.reshape(seen, [groups, POINTS, strip.length * xRows.floats]),
    ]);
    const d = b.op('MatMul', [
      b.constant(matrix(transposed(F4.output))),
      b.reshape(given, [TILE, outGroups * strip.length * dyRows.floats]),
    ]);
    const columns = [g.padsBegin[1], g.padsEnd[1]] as const;
    const wide = withZeroColumns(b, b.reshape(v, [groups, POINTS * block, strip.length, width]), columns, block);
    const inputs = [
      b.reshape(wide, [groups, POINTS, strip.length, wide.shape[3] * block]),
      b.reshape(d, [POINTS * k, 1, strip.length, outWidth]),
    ];
    m = b.op('nchwc.Conv', m === undefined ? inputs : [...inputs, undefined, m], {
      kernel_shape: [strip.length, outWidth],
      dilations: [1, block],
      group: POINTS,
    });
  }
  const taps = b.op('MatMul', [
    b.constant(matrix(transposed(F4.weights))),
    b.reshape(m as Value, [groups, POINTS, k * kw * block]),
  ]);
  const split = b.reshape(taps, [groups, 3, outGroups, kw * block * block]);
  forms.set(dw, 'kernel', b.reshape(b.transpose(split, [2, 0, 1, 3]), dw.shape));
  return true;
};

/**
 * Products saved per pixel and channel pair, compared with the cost of the transforms in products, per channel of a
 * pixel and per weight. Measured by the table above.
 */
function isFaster(dw: Value, dy: Value): boolean {
  const [k, c, kh, kw] = dw.shape;
  const [n, , height, width] = dy.shape;
  const transforms = 60 * (1 / c + 1 / k) + (50 * kh * kw) / (n * height * width);
  return (kh * kw) / 2 > 1.1 * transforms;
}

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

interface Row {
  readonly image: number;
  readonly group: number;
  readonly row: number;
}

interface Layout {
  readonly images: number;
  readonly groups: number;
  readonly height: number;
  readonly block: number;
}

/** The rows of a blocked value, to be gathered; rows above and below the image are zeros. */
class Rows {
  /** Floats per row. */
  readonly floats: number;
  readonly #b: GraphBuilder;
  readonly #layout: Layout;
  readonly #rows: Value;

  constructor(b: GraphBuilder, value: Value, layout: Layout) {
    this.#b = b;
    this.#layout = layout;
    this.floats = value.shape[3] * layout.block;
    this.#rows = b.reshape(value, [layout.images * layout.groups * layout.height, this.floats]);
  }

  gather(wanted: readonly Row[]): Value {
    const { groups, height } = this.#layout;
    const inside = wanted.map(({ row }) => (row >= 0 && row < height ? 1 : 0));
    const index = wanted.map(({ image, group, row }, i) =>
      inside[i] === 1 ? (image * groups + group) * height + row : 0,
    );
    const rows = this.#b.op('Gather', [this.#rows, this.#b.constant(int64(index))], { axis: 0 });
    if (!inside.includes(0)) return rows;
    return this.#b.op('Mul', [rows, this.#b.constant(float32([wanted.length, 1], inside))]);
  }
}
