/** What a file leaves to be found: a size to read it at, its output, the sizes that it takes. */

import type { Shape4 } from '../../array/ndarray.ts';
import { LamellaError, ModelError } from '../../errors.ts';
import { tileRule } from '../../graph/analysis/receptive-field.ts';
import type { Graph, Value } from '../../graph/ir.ts';
import type { ImageInput } from '../../graph/onnx/image-input.ts';
import {
  CELLPOSE_MAPS,
  chooseClassMap,
  isMap,
  looksLikeCellpose,
  notClassesByGraph,
  notClassesByName,
  outputText,
} from '../class-maps.ts';
import { logitsOf } from './activation.ts';
import type { OnnxSpec } from './definition.ts';
import { valueNamed } from './network.ts';

/** Sides to read a file of open size at: most networks take one of them. */
const SIDES = [256, 224, 572] as const;
/** A side that suits the strides of nearly every network, where its own cannot be found. */
const LIKELY_MULTIPLE = 32;

const WHAT_FITS =
  'Use a segmentation network of slices: input float32 [N, channels, height, width], output [N, classes, height, width].';

/** Throws a ModelError. @param remedy default: which networks fit */
export type Refuse = (problem: string, remedy?: string, cause?: unknown) => never;

export const refusing =
  (file: string | undefined): Refuse =>
  (problem, remedy = WHAT_FITS, cause) => {
    throw new ModelError(problem, { file, remedy, cause });
  };

/** The graph at the declared size, or the first usual one that the network takes. */
export function atFirstSize(
  { dims: [, , height, width] }: ImageInput,
  refuse: Refuse,
  read: (height: number, width: number) => Graph,
): Graph {
  let problem: LamellaError | undefined;
  for (const side of SIDES) {
    const [h, w] = [typeof height === 'number' ? height : side, typeof width === 'number' ? width : side];
    try {
      return read(h, w);
    } catch (cause) {
      if (!(cause instanceof LamellaError)) throw cause;
      problem ??= cause;
    }
  }
  return refuse(`the model cannot be differentiated: ${(problem as LamellaError).problem}`, undefined, problem);
}

/** The only map of full resolution that may be classes, or the one that the user has chosen. */
export function chooseOutput(
  graph: Graph,
  {
    file,
    chosen,
    operations,
  }: {
    readonly file?: string | undefined;
    readonly chosen?: string | undefined;
    readonly operations: ReadonlyMap<string, number>;
  },
  refuse: Refuse,
): Value {
  const [, , height, width] = (graph.inputs[0] as Value).shape as Shape4;
  const shown = graph.outputs.map(outputText).join('; ');
  if (graph.outputs.every(({ shape }) => shape.length === 2)) {
    return refuse(`the model classifies whole images (it gives ${shown}).`);
  }
  const maps = graph.outputs.filter(isMap);
  if (maps.length === 0) return refuse(`the model gives ${shown}, no map of classes.`);
  const isFull = ({ shape }: Value): boolean => 2 * (shape[2] as number) > height && 2 * (shape[3] as number) > width;
  const full = maps.filter(isFull);
  if (full.length === 0) {
    return refuse(
      `the model gives ${shown} for an image of ${width} x ${height}: coarser than the image.`,
      'Use a network whose output has the resolution of its input, or append the enlargement before exporting.',
    );
  }
  const others = graph.outputs.filter((value) => !isMap(value));
  return chooseClassMap(full, {
    asked: chosen,
    file,
    why: (map) => {
      const reason = notClassesByName(map) ?? notClassesByGraph(graph, map, full);
      if (reason !== undefined) return reason;
      const isRaw = logitsOf(graph, map).activation === 'none';
      return isRaw && looksLikeCellpose(map, others, operations) ? CELLPOSE_MAPS : undefined;
    },
  });
}

/** Sizes that the network takes: from its graph, otherwise likely ones. */
export function tileOf(graph: Graph, logits: Value, refuse: Refuse): OnnxSpec['tile'] {
  const image = graph.inputs[0] as Value;
  const [, , height, width] = image.shape as Shape4;
  const [, , rows, columns] = logits.shape as Shape4;
  const [y, x] = rulesOf(graph, image, logits) ?? [];
  if (y === undefined || x === undefined) {
    if (rows !== height || columns !== width) {
      refuse(`the model gives ${columns} x ${rows} pixels for ${width} x ${height}, and its graph does not say which.`);
    }
    return { multiple: LIKELY_MULTIPLE, offset: 0, min: 2 * LIKELY_MULTIPLE, margin: 0, halo: null };
  }
  const { multiple, minimum, marginBefore } = y;
  const same = x.multiple === multiple && x.offset === y.offset;
  const isCropped =
    marginBefore >= 0 &&
    [y, x].every((axis) => axis.scale === 1 && axis.marginBefore === marginBefore && axis.marginAfter === marginBefore);
  const keepsSize = rows === height && columns === width;
  if (!same || !(isCropped || keepsSize)) {
    refuse(
      `the model gives ${columns} x ${rows} pixels for ${width} x ${height}, not those of the image or of its middle.`,
      'Use a network whose output has the size of its input, or is cropped alike on all sides.',
    );
  }
  // Strided convolutions may see farther to one side: halos are then counted from the pixel of the same place.
  const shift = keepsSize ? Math.max(Math.abs(marginBefore), Math.abs(x.marginBefore)) : 0;
  const halo = Math.max(y.haloBefore, y.haloAfter, x.haloBefore, x.haloAfter) + shift;
  const min = Math.max(minimum, x.minimum);
  const margin = keepsSize ? 0 : 2 * marginBefore;
  return { multiple, offset: min % multiple, min, margin, halo: y.exact ? halo : null };
}

function rulesOf(graph: Graph, image: Value, logits: Value) {
  try {
    const { axes, exact } = tileRule(graph, image, logits);
    return axes.map((axis) => ({ ...axis, exact }));
  } catch (cause) {
    if (cause instanceof LamellaError) return undefined;
    throw cause;
  }
}

/** Why a graph of another size does not give what it should, if so. */
function changed(
  read: () => Graph,
  output: Value,
  { shape: [, , height, width], margin }: { readonly shape: Shape4; readonly margin: number },
): string | undefined {
  try {
    const [, , rows, columns] = valueNamed(read(), output.name).shape as Shape4;
    if (rows === height - margin && columns === width - margin) return undefined;
    return `for ${width} x ${height} it gives ${columns} x ${rows}.`;
  } catch (cause) {
    if (cause instanceof LamellaError) return cause.problem;
    throw cause;
  }
}

/** Asserts that the network computes its sizes from those of the image. @throws ModelError naming what does not */
export function requireOpenSizes(
  output: Value,
  { multiple, margin }: OnnxSpec['tile'],
  [n, c, height, width]: Shape4,
  read: (shape: Shape4) => Graph,
  refuse: Refuse,
): void {
  for (const steps of [1, 2]) {
    const shape = [n, c, height + steps * multiple, width + steps * multiple] as const;
    const problem = changed(() => read(shape), output, { shape, margin });
    if (problem === undefined) continue;
    refuse(
      `the network is made for images of ${width} x ${height}: ${problem}`,
      'Export it with open height and width (dynamic axes), so that it computes its sizes from the image.',
    );
  }
}
