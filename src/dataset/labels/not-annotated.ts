/** Which value of label images means "not annotated", judged only by the values. */

/** The largest values of uint16, int32 and uint32. */
const LARGEST: ReadonlySet<number> = new Set([0xffff, 0x7fffffff, 0xffffffff]);

/**
 * The values among those to ignore that number no object in any map of objects: negative ones, and the largest values of
 * wide types. Any other, such as the 3 of a `dataset.json` of classes, is an object's number where values number objects.
 */
export const neverObjects = (ignored: readonly number[]): readonly number[] =>
  ignored.filter((value) => value < 0 || LARGEST.has(value));

/** Beside fewer values, if one of them is large too, it may be the brightest grey level. */
const LEVELS = 16;

/**
 * 255 beside class numbers 1, 2, ... n; the largest value of a wider type beside those, or beside object numbers.
 * @param values distinct positive values of all label images together, ascending
 * @returns the last of them, or undefined: {255}, a mask; {32768, 65535}, grey levels
 */
export function notAnnotatedValue(values: readonly number[]): number | undefined {
  const last = values.at(-1);
  const before = values.at(-2);
  if (last === undefined || before === undefined) return undefined;
  const contiguous = before === values.length - 1;
  if (last === 255) return contiguous ? last : undefined;
  if (!LARGEST.has(last) || before === last - 1) return undefined;
  return contiguous || before < last / 2 || values.length > LEVELS ? last : undefined;
}
