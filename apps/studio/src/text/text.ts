import { keptValues, readKept } from '../state/settings.ts';
import { en, type Text } from './en.ts';
import { languageOf } from './language.ts';

const language = languageOf(readKept(keptValues()).language, globalThis.navigator?.languages ?? []);

/** The texts of the page's language, which stays the same until the page is loaded again. */
export const text: Text = language === 'de' ? (await import('./de.ts')).de : en;
