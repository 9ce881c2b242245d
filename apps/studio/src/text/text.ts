import { keptValues, readKept } from '../state/kept.ts';
import type { Text } from './en.ts';
import { type Language, languageOf } from './language.ts';

const TEXTS: { readonly [L in Language]: () => Promise<Text> } = {
  en: async () => (await import('./en.ts')).en,
  de: async () => (await import('./de.ts')).de,
};

const language = languageOf(readKept(keptValues()).language, globalThis.navigator?.languages ?? []);

/** The texts of the page's language, the only one that is loaded; it stays the same until the page is loaded again. */
export const text: Text = await TEXTS[language]();
