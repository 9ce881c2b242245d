import { LamellaError, ModelError } from '../errors.ts';
import type { Graph } from '../graph/ir.ts';
import type { Signature } from '../graph/onnx/model.ts';
import { readOnnx } from '../graph/onnx/read.ts';

/** Sides to try if the file does not fix them: most networks support one of these. */
const SIDES = [256, 572, 512, 224];
/** Of volumes. */
const DEPTH = 32;

/** The graph of a file for a size, or the error that explains why there is none. */
export function boundGraph(
  bytes: Uint8Array,
  signature: Signature,
  { file, size }: { readonly file: string; readonly size?: readonly [number, number] },
): Graph | LamellaError {
  const [input] = signature.inputs;
  const dims = input?.dims;
  if (input === undefined || dims === undefined)
    return new ModelError('the file does not state the shape of its input.', { file });
  let problem: LamellaError | undefined;
  for (const side of size === undefined ? SIDES : [size]) {
    const [height, width] = typeof side === 'number' ? [side, side] : side;
    const last = [...(dims.length === 5 ? [DEPTH] : []), height, width];
    const shape = dims.map((n, axis) => (typeof n === 'number' ? n : (last[axis - dims.length + last.length] ?? 1)));
    try {
      return readOnnx(bytes, { shapes: { [input.name]: shape }, file });
    } catch (cause) {
      if (!(cause instanceof LamellaError)) throw cause;
      problem ??= cause;
    }
  }
  return problem as LamellaError;
}
