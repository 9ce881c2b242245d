/** Longer names than this, without a separator, squeeze the columns beside them. */
const MOST_LETTERS = 28;

/** A long file name with its middle left out, `0b2e702f90aee…d7a3b.png`. */
export function shortName(name: string): string {
  return name.length <= MOST_LETTERS ? name : `${name.slice(0, MOST_LETTERS - 13)}…${name.slice(-12)}`;
}
