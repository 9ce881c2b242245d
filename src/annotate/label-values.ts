/** What the numbers of a label layer mean. */

/** The value of pixels that are not annotated, by label kind. */
export const NOT_ANNOTATED = { objects: 0x7fffffff, classes: 255 } as const;

/** `classes`: one class per pixel, 0..254. `objects`: a number for each from 1 to 2^31 - 2; 0 is background. */
export type LayerKind = keyof typeof NOT_ANNOTATED;

/** Which labels painting may replace: any, only what no class or object has, or only one value. */
export type Over = 'anything' | 'unlabelled' | number;

/**
 * Whether a label may be replaced. `unlabelled` are pixels that are not annotated and, beside objects, the background;
 * in a class layer the background is a class, which is kept like any other.
 */
export function replaceable(over: Over, kind: LayerKind): (label: number) => boolean {
  if (over === 'anything') return () => true;
  if (over !== 'unlabelled') return (label) => label === over;
  const notAnnotated = NOT_ANNOTATED[kind];
  return kind === 'objects' ? (label) => label === notAnnotated || label === 0 : (label) => label === notAnnotated;
}
