/** Which language the page speaks: the one chosen in its settings, else the first that the browser asks for and is here. */

export const LANGUAGES = ['en', 'de'] as const;

export type Language = (typeof LANGUAGES)[number];

/** @param wanted tags such as `de-AT`, the most wanted first */
export function languageOf(chosen: unknown, wanted: readonly string[]): Language {
  const isHere = (tag: unknown): tag is Language => LANGUAGES.some((language) => language === tag);
  if (isHere(chosen)) return chosen;
  return wanted.map((tag) => tag.toLowerCase().split('-')[0]).find(isHere) ?? 'en';
}
