/** Which classes of a mapping occur. */

import type { LabelClass } from './labels.ts';

/**
 * The classes that occur and those that do not. Rims belong to their objects and are in neither; small objects may
 * consist of rim alone.
 * @param occurs whether there are pixels of the class of this index
 */
export function presentClasses(
  classes: readonly LabelClass[],
  occurs: (index: number) => boolean,
): { readonly present: readonly LabelClass[]; readonly missing: readonly LabelClass[] } {
  const present: LabelClass[] = [];
  const missing: LabelClass[] = [];
  for (const item of classes) {
    if (item.values === 'rim') continue;
    const isThere = classes.some(
      ({ values }, i) => occurs(i) && (values === item.values || (item.values === 'rest' && values === 'rim')),
    );
    (isThere ? present : missing).push(item);
  }
  return { present, missing };
}

/** Names of classes as a sentence has them: `'nucleus', 'border'`. */
export const namesOf = (classes: readonly LabelClass[]): string => classes.map(({ name }) => `'${name}'`).join(', ');
