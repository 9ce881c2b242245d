/** Where the browser keeps what the user has chosen for every project. */

const NAME = 'lamella-studio';

/** The part of `localStorage` that is used; absent where the browser forbids it. */
export type KeptValues = Pick<Storage, 'getItem' | 'setItem'>;

export function keptValues(): KeptValues | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** What was kept; what a damaged value holds is as good as nothing. */
export function readKept(storage: KeptValues | undefined): { readonly [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(storage?.getItem(NAME) ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

export const writeKept = (storage: KeptValues | undefined, values: object): void =>
  storage?.setItem(NAME, JSON.stringify(values));
