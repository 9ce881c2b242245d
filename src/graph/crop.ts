/**
 * The middle of a network's output for less work. A tile is cut from an image with as much around it as the pixels in its
 * middle depend on. Layers near the output need little of that, so what lies outside is left out layer by layer, from the
 * output back to the first layer that needs its whole input. There, and where a skip connection joins, maps are cut;
 * padded convolutions between become unpadded ones. What is left is computed as before.
 *
 * U-Net of 2015, figure 1, has this form from the start; here it is derived from a padded network.
 */
import type { GraphBuilder } from './builder.ts';
import type { Graph, Node, Value } from './ir.ts';
import { convGeometry } from './ops/convolution.ts';
import { hasSizeOf, isPixelwise, mapsOf, repeats } from './pixel-maps.ts';
import { rewrite } from './rewrite.ts';

/** How a margin that is left out of an output relates to the margin of the inputs that are maps of pixels. */
interface Step {
  /** The largest margin of the inputs with which `margin` of the output can be left out. */
  before(margin: number): number;
  /** The margin of the output when the inputs have this one. */
  after(margin: number): number;
  /** The op for inputs without their margin. */
  readonly attributes?: Node['attributes'];
}

const SAME: Step = { before: (margin) => margin, after: (margin) => margin };

/** A map is cut only where that leaves out at least this fraction of its pixels. */
const LEAST_SAVING = 0.05;

/**
 * @param graph whose output is [N, channels, height, width] with the image's height and width; shapes are known
 * @param margin pixels on each side of the output that are not needed, at most half of its sides
 * @returns the graph without them, and how many pixels it leaves out on each side: at most `margin`, 0 where an op in the
 *   way depends on its whole input
 */
export function cropOutput(graph: Graph, margin: number): { readonly graph: Graph; readonly margin: number } {
  const allowed = allowedMargins(graph, margin);
  /** Of values of the new graph; 0 where nothing was cut. */
  const cut = new Map<Value, number>();
  const cutOf = (value: Value | undefined): number => (value && cut.get(value)) ?? 0;
  const without = (b: GraphBuilder, value: Value, wanted: number): Value => {
    const more = wanted - cutOf(value);
    if (more === 0) return value;
    const made = b.slice(value, [more, more], [-more, -more], [2, 3]);
    cut.set(made, wanted);
    return made;
  };
  let outputs = 0;
  const cropped = rewrite(graph, (b, node, inputs) => {
    const step = stepOf(node);
    if (step === undefined) return undefined;
    const maps = mapsOf(node).map((i) => inputs[i] as Value);
    const most = Math.max(0, step.before(allowedOf(node, allowed)));
    const least = Math.max(...maps.map(cutOf));
    const target = maps.some((map) => saves(map, least - cutOf(map), most - cutOf(map))) ? most : least;
    if (target === 0) return undefined;
    const given = inputs.map((value) => (value && maps.includes(value) ? without(b, value, target) : value));
    const made = b.ops(node.op, given, step.attributes ?? node.attributes, node.outputs.length);
    for (const value of made) cut.set(value, step.after(target));
    return made;
  });
  for (const { op, inputs, outputs: named } of cropped.nodes) {
    if (op === 'Identity' && cropped.outputs.includes(named[0])) outputs = cutOf(inputs[0]);
  }
  return { graph: cropped, margin: outputs };
}

/** Whether so much of a map's margin is worth leaving out beyond what is left out anyway. */
function saves({ shape }: Value, anyway: number, more: number): boolean {
  const pixels = (less: number): number => (shape[2] - 2 * less) * (shape[3] - 2 * less);
  return pixels(more) < (1 - LEAST_SAVING) * pixels(anyway);
}

/** The largest margin that all outputs of a node can lack. */
function allowedOf({ outputs }: Node, allowed: ReadonlyMap<Value, number>): number {
  return Math.min(...outputs.map((value) => allowed.get(value) ?? 0));
}

/** The largest margin of each value with which the output lacks no more than `margin`. */
function allowedMargins(graph: Graph, margin: number): ReadonlyMap<Value, number> {
  const allowed = new Map<Value, number>(graph.outputs.map((value) => [value, margin]));
  for (const node of [...graph.nodes].reverse()) {
    const step = stepOf(node);
    const own = allowedOf(node, allowed);
    const maps = step === undefined ? [] : mapsOf(node);
    node.inputs.forEach((value, i) => {
      if (value === undefined) return;
      const here = step !== undefined && maps.includes(i) ? Math.max(0, step.before(own)) : 0;
      allowed.set(value, Math.min(here, allowed.get(value) ?? here));
    });
  }
  return allowed;
}

/** Undefined where the op depends on its whole input, or in a way that is not known here. */
function stepOf(node: Node): Step | undefined {
  const output = node.outputs[0];
  if (output.shape.length !== 4) return undefined;
  if (node.op === 'Conv') return hasSizeOf(node, output) ? convolution(node as Node<'Conv'>) : undefined;
  const factor = repeats(node);
  if (factor !== undefined) {
    return { before: (margin) => Math.floor(margin / factor), after: (margin) => margin * factor };
  }
  return isPixelwise(node) ? SAME : undefined;
}

/** A convolution whose output has the size of its input, padded alike on all sides. */
function convolution(node: Node<'Conv'>): Step | undefined {
  const { kernel, strides, dilations, padsBegin, padsEnd } = convGeometry(
    node.attributes,
    (node.inputs[1] as Value).shape.slice(2),
  );
  const [pad = 0] = padsBegin;
  const alike = [...padsBegin, ...padsEnd].every((p) => p === pad) && strides.every((s) => s === 1);
  if (!alike || kernel.some((k, i) => (k - 1) * (dilations[i] as number) !== 2 * pad)) return undefined;
  const { pads: _, ...unpadded } = node.attributes;
  return { before: (margin) => margin - pad, after: (margin) => margin + pad, attributes: unpadded };
}
