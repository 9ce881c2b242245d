import { en, type Text } from './en.ts';

/** The texts of the page's language. */
export const text: Text = en;
