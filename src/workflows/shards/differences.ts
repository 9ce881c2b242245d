/** What processes that share work have to have in common, and the sentences for where they do not. */

import { option, UsageError } from '../../errors.ts';

/** What must be the same in every process. */
export interface Shared {
  /** By name, such as versions: nothing that a command sets. */
  readonly facts: Readonly<Record<string, string | undefined>>;
  /** Options, by their names in the library. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const said = (value: unknown, none: string): string => (value === undefined ? none : JSON.stringify(value));

/** Everything in which a process differs from a plan: each a noun with what was planned and what is here. */
export function differences(planned: Shared, here: Shared): readonly string[] {
  const facts = keysOf(planned.facts, here.facts)
    .filter((name) => planned.facts[name] !== here.facts[name])
    .map((name) => `${name} (planned ${planned.facts[name] ?? 'without'}, here ${here.facts[name] ?? 'without'})`);
  const settings = keysOf(planned.settings, here.settings).flatMap((name) => {
    const [then, now] = [planned, here].map(({ settings: of }) => said(of[name], 'not set'));
    return then === now ? [] : [`${option(name)} (planned ${then}, here ${now})`];
  });
  return [...facts, ...settings];
}

const keysOf = (a: object, b: object): readonly string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])];

/** In which names a list differs from the planned one; nothing if it does not. @param what a noun, such as `images` */
export function namesDiffer(what: string, planned: readonly string[], here: readonly string[]): readonly string[] {
  const lost = planned.filter((name) => !here.includes(name));
  const added = here.filter((name) => !planned.includes(name));
  if (lost.length + added.length === 0) return [];
  return [
    `list of ${what} (planned ${planned.length}, here ${here.length}; ${lost.length > 0 ? `"${lost[0]}" is missing` : `"${added[0]}" was added`})`,
  ];
}

/**
 * Whether an image is the one of the plan, by what is planned of it.
 * @param what a noun, such as `image`
 * @throws UsageError naming what differs
 */
export function requireSameInput<T extends object>(what: string, file: string | undefined, planned: T, found: T): void {
  const other = (Object.keys(planned) as (keyof T & string)[]).filter(
    (key) => said(planned[key], 'none') !== said(found[key], 'none'),
  );
  if (other.length === 0) return;
  const each = other.map((key) => `${key} (planned ${said(planned[key], 'none')}, here ${said(found[key], 'none')})`);
  throw new UsageError(`the ${what} is not the one of the plan: it has another ${each.join(', another ')}.`, {
    file,
    remedy: `Use the same ${what} for all jobs, or another ${option('out')}.`,
  });
}
