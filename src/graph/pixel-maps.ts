/** How operations on maps of pixels treat them: what the middle of a tile (`crop.ts`) and its strips (`strips.ts`) know of a network. */
import type { Node, Value } from './ir.ts';
import { isBlockUpsampling } from './ops/resize.ts';
import { rowOf } from './ops/table.ts';

/** Positions of the inputs with the height and width of a map; the others are weights, or numbers of each channel. */
export function mapsOf({ op, inputs }: Node): readonly number[] {
  if (op === 'Conv' || op === 'ConvTranspose' || op === 'Resize') return [0];
  return inputs.flatMap((value, i) =>
    value?.shape.length === 4 && (value.shape[2] > 1 || value.shape[3] > 1) ? [i] : [],
  );
}

/** Whether each pixel of the output comes from those at its place alone, in maps of one size. */
export function isPixelwise(node: Node): boolean {
  const output = node.outputs[0];
  if (node.outputs.length !== 1 || output.shape.length !== 4 || !hasSizeOf(node, output)) return false;
  switch (node.op) {
    case 'Concat':
    case 'Softmax':
      return (node.attributes as { readonly axis?: number }).axis === 1;
    case 'Identity':
    case 'Sigmoid':
      return true;
    default: {
      const { kind } = rowOf(node.op).traits;
      return kind === 'activation' || kind === 'arithmetic' || kind === 'elementwise';
    }
  }
}

/** Whether all maps that a node takes have the height and width of this one. */
export function hasSizeOf(node: Node, { shape: [, , height, width] }: Value): boolean {
  return mapsOf(node).every((i) => {
    const shape = node.inputs[i]?.shape;
    return shape?.[2] === height && shape?.[3] === width;
  });
}

/** The whole number by which a map is enlarged along both axes, each pixel repeated; undefined for any other resizing. */
export function repeats(node: Node): number | undefined {
  if (node.op !== 'Resize') return undefined;
  const { inputs, outputs, attributes } = node as Node<'Resize'>;
  const [from, to] = [inputs[0]?.shape ?? [], outputs[0].shape];
  const scales = to.map((size, i) => size / (from[i] as number));
  const [n, c, factor, across] = scales as [number, number, number, number];
  if (to.length !== 4 || n !== 1 || c !== 1 || factor !== across || !isBlockUpsampling(attributes, scales))
    return undefined;
  // By sizes it would have the size of before.
  return inputs[3] === undefined ? factor : undefined;
}
