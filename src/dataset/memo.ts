/** Work on pages that is kept as long as the pages, for data of which little changes between two revisions. */

/**
 * The result of `make`, or what it gave before for the same object and name. One memo serves one way of preparing data:
 * what else `make` depends on is the same each time, or part of the name.
 */
export type Memo = <T>(of: object, name: string, make: () => T) => T;

/** Keeps nothing. */
export const noMemo: Memo = (_of, _name, make) => make();

export function memoByObject(): Memo {
  const kept = new WeakMap<object, Map<string, unknown>>();
  return <T>(of: object, name: string, make: () => T): T => {
    const own = kept.get(of) ?? new Map<string, unknown>();
    if (own.size === 0) kept.set(of, own);
    if (!own.has(name)) own.set(name, make());
    return own.get(name) as T;
  };
}
