import { computed, type ReadonlySignal } from '@preact/signals';

/** A list or set that is computed; while its items stay the same, so does it, and what depends on it is left alone. */
export function steady<T extends Iterable<unknown>>(compute: () => T): ReadonlySignal<T> {
  let last: T | undefined;
  return computed(() => {
    const next = compute();
    if (last === undefined || !hasSameItems(last, next)) last = next;
    return last;
  });
}

function hasSameItems(a: Iterable<unknown>, b: Iterable<unknown>): boolean {
  const [items, others] = [[...a], [...b]];
  return items.length === others.length && items.every((item, i) => item === others[i]);
}
