/** Class maps without small parts, parts apart from the largest, and holes. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { connectedComponents } from './connected-components.ts';
import { fillHoles } from './fill-holes.ts';

/** What is done with the pixels of one class. */
export interface ClassRule {
  /** Index of the class. */
  readonly class: number;
  /** Keep the largest connected part alone, the first of equally large ones. */
  readonly largest?: true;
  /** Connected parts of fewer pixels (in 3D voxels) become background. */
  readonly minSize?: number;
  /** Background that the class encloses becomes part of it. */
  readonly fillHoles?: true;
}

/** How a class map is cleaned: parts of all classes are removed, then holes filled class by class. JSON, stored in model files. */
export interface Cleaning {
  /** The class that removed pixels get, and that holes are made of. */
  readonly background: number;
  readonly rules: readonly ClassRule[];
}

/**
 * The cleaned class map, a copy. Pixels are connected by faces (4 in 2D, 6 in 3D). Parts are removed before any hole is
 * filled, since a part of another class may lie in the hole.
 * @param classes class of each pixel of `shape`, [h, w] or [d, h, w]
 */
export function cleanClasses(
  classes: Uint8Array,
  shape: readonly number[],
  { background, rules }: Cleaning,
): Uint8Array<ArrayBuffer> {
  const cleaned = Uint8Array.from(classes);
  const mask = new Uint8Array(cleaned.length);
  const maskOf = (own: number): NdArray<'uint8'> => {
    for (let i = 0; i < mask.length; i++) mask[i] = cleaned[i] === own ? 1 : 0;
    return ndarray('uint8', shape, mask);
  };
  for (const { class: own, largest, minSize = 0 } of rules) {
    if (!largest && minSize === 0) continue;
    const stays = partsThatStay(maskOf(own), { largest, minSize });
    for (let i = 0; i < mask.length; i++) if (mask[i] === 1 && !stays(i)) cleaned[i] = background;
  }
  for (const { class: own, fillHoles: fill } of rules) {
    if (!fill) continue;
    const filled = fillHoles(maskOf(own)).data;
    for (let i = 0; i < filled.length; i++) if (filled[i] === 1 && cleaned[i] === background) cleaned[i] = own;
  }
  return cleaned;
}

/** Whether the part of the mask that a pixel of it is in stays. */
function partsThatStay(
  mask: NdArray<'uint8'>,
  { largest, minSize = 0 }: Pick<ClassRule, 'largest' | 'minSize'>,
): (pixel: number) => boolean {
  const { labels, count } = connectedComponents(mask);
  const parts = labels.data;
  const sizes = new Float64Array(count + 1);
  for (let i = 0; i < parts.length; i++) if (parts[i] > 0) sizes[parts[i]]++;
  let first = 0;
  for (let part = 1; part <= count; part++) if (sizes[part] > sizes[first]) first = part;
  return (pixel) => sizes[parts[pixel]] >= minSize && (!largest || parts[pixel] === first);
}

/** The rules as words: `lung: the largest part only, holes filled`. */
export const cleaningText = ({ rules }: Cleaning, classes: readonly string[]): string =>
  rules
    .map(({ class: own, largest, minSize, fillHoles: fill }) => {
      const said = [
        largest && 'the largest part only',
        minSize !== undefined && `no part of fewer than ${minSize} pixels`,
        fill && 'holes filled',
      ];
      return `${classes[own]}: ${said.filter(Boolean).join(', ')}`;
    })
    .join('; ');
