/** The sides of tiles that a network takes, and those that its package says. */

import { readSignature } from '../../graph/onnx/model.ts';
import type { DescribedModel, Sides } from '../../models/described.ts';
import type { TileRules } from '../../predict/model.ts';
import { graphOutputs } from '../../predict/open.ts';
import { type TilingRule, validSide } from '../../predict/tile-plan.ts';
import type { PackageTensor } from './description.ts';

/** What a package says of an axis. */
interface SaidSizes {
  readonly sides?: Sides | undefined;
  /** Pixels at the edges of a tile's output that are not to be used. */
  readonly halo?: number | undefined;
}

/** What predictions take over from a package, by output. */
export interface FittedSizes {
  /** Where the graph can be followed. */
  readonly rules: { readonly [output: string]: TileRules };
  /** Where it cannot, and the package says a halo. */
  readonly halos: NonNullable<DescribedModel['halos']>;
  /** Where the package and the network contradict each other. */
  readonly notes: readonly string[];
}

/**
 * The tile rules of a network of images under which tiles are also what its package says: sides of `min + k * step`, and a
 * halo of at least its own. What the network needs goes first, where the two contradict each other.
 * @param bytes an ONNX file with these outputs, by name
 */
export function fittedSizes(
  bytes: Uint8Array,
  input: PackageTensor,
  outputs: readonly { readonly name: string; readonly tensor: PackageTensor }[],
): FittedSizes {
  const notes = new Set<string>();
  const signature = readSignature(bytes);
  const facts = graphOutputs(bytes, signature);
  const rules: { [output: string]: TileRules } = {};
  const halos: { [output: string]: { y: number; x: number } } = {};
  for (const { name, tensor } of outputs) {
    const own = facts?.rule(name);
    const said = (axis: 'y' | 'x'): SaidSizes => ({
      sides: axisOf(input, axis)?.sides,
      halo: axisOf(tensor, axis)?.halo,
    });
    if (own !== undefined) {
      const ruleOf = (axis: 'y' | 'x') => withHalo(withSides(own[axis], said(axis), notes), said(axis), notes);
      rules[name] = { ...own, y: ruleOf('y'), x: ruleOf('x') };
      continue;
    }
    const dims = signature.inputs[0]?.dims;
    const left = (axis: 'y' | 'x', at: 2 | 3): number => {
      const { halo = 0 } = said(axis);
      const fixed = dims?.[at];
      return typeof fixed === 'number' && leavesNothing(halo, { fixed, margin: 0 }, notes) ? 0 : halo;
    };
    const [y, x] = [left('y', 2), left('x', 3)];
    if (y > 0 || x > 0) halos[name] = { y, x };
  }
  return { rules, halos, notes: [...notes] };
}

export const axisOf = ({ axes }: PackageTensor, axis: 'y' | 'x'): PackageTensor['axes'][number] | undefined =>
  axes.find(({ name }) => name === axis);

function withSides(rule: TilingRule, { sides }: SaidSizes, notes: Set<string>): TilingRule {
  if (sides === undefined) return rule;
  const { min, step } = sides;
  const { multiple, offset, minimum, fixed } = rule;
  const says = `The package says sides of ${min} + k * ${step} pixels`;
  if (fixed !== undefined) {
    if (fixed < min || (fixed - min) % step > 0) notes.add(`${says}, and the network takes ${fixed} only.`);
    return rule;
  }
  const own = `${offset === 0 ? `multiples of ${multiple}` : `${offset} modulo ${multiple}`} from ${minimum} on`;
  let side = validSide(Math.max(min, minimum), rule);
  for (let tried = 1; (side - min) % step > 0; tried++, side += multiple) {
    if (tried < step) continue;
    notes.add(`${says}, and the network takes none of them: tiles have its own sides, ${own}.`);
    return rule;
  }
  if (validSide(min, rule) !== min || step % multiple > 0) {
    notes.add(`${says}, and the network takes ${own}: tiles are both.`);
  }
  const both = leastCommonMultiple(multiple, step);
  return { ...rule, multiple: both, offset: side % both, minimum: side };
}

function withHalo(rule: TilingRule, { halo = 0 }: SaidSizes, notes: Set<string>): TilingRule {
  if (halo === 0) return rule;
  if (leavesNothing(halo, rule, notes)) return rule;
  const lost = rule.margin + halo;
  if (rule.exact && lost < rule.halo) {
    notes.add(`${saysHalo(halo)}, and the network looks ${rule.halo} pixels far: tiles overlap by those.`);
  }
  return { ...rule, halo: Math.max(rule.halo, lost), unused: halo };
}

const saysHalo = (halo: number): string => `The package says a halo of ${halo} pixels`;

function leavesNothing(
  halo: number,
  { fixed, margin }: Pick<TilingRule, 'fixed' | 'margin'>,
  notes: Set<string>,
): boolean {
  if (fixed === undefined || fixed > 2 * (margin + halo)) return false;
  notes.add(`${saysHalo(halo)}, which leaves nothing of the ${fixed} that the network takes: it is not followed.`);
  return true;
}

function leastCommonMultiple(a: number, b: number): number {
  let [divisor, rest] = [a, b];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return (a / divisor) * b;
}
