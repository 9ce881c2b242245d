/** What the user has chosen for every project, kept by the browser. */

import { effect, signal } from '@preact/signals';
import type { Language } from '../text/language.ts';
import { type KeptValues, readKept, writeKept } from './kept.ts';
import type { TourStep } from './tour.ts';

export type Theme = 'system' | 'light' | 'dark';

interface Kept {
  readonly theme: Theme;
  /** `system`: the first that the browser asks for. It is read when the page is loaded. */
  readonly language: Language | 'system';
  /** A finger draws, as a pen does, instead of panning. */
  readonly fingerDraws: boolean;
  /** The brush is so many pixels of the screen, whatever the zoom. */
  readonly brushOnScreen: boolean;
  /** The live preview begins by itself, as soon as there is something to learn from. */
  readonly liveStarts: boolean;
  /** When projects were saved to disk, in milliseconds since 1970, by their id. */
  readonly savedAtMs: { readonly [id: string]: number };
  /** What there was then, to be saved. */
  readonly savedContent: { readonly [id: string]: string };
  /** Where the guided tour is, and on which project; undefined before it was taken the first time. */
  readonly tour: { readonly project: string; readonly step: TourStep } | 'over' | undefined;
  /** Keys that replace those of the table, by command. */
  readonly keys: { readonly [command: string]: readonly string[] };
}

const DEFAULTS: Kept = {
  theme: 'system',
  language: 'system',
  fingerDraws: false,
  brushOnScreen: false,
  liveStarts: true,
  savedAtMs: {},
  savedContent: {},
  tour: undefined,
  keys: {},
};

export type Settings = ReturnType<typeof createSettings>;

export function createSettings(storage: KeptValues | undefined) {
  const kept: Kept = { ...DEFAULTS, ...readKept(storage) };
  const settings = {
    theme: signal(kept.theme),
    language: signal(kept.language),
    fingerDraws: signal(kept.fingerDraws),
    brushOnScreen: signal(kept.brushOnScreen),
    liveStarts: signal(kept.liveStarts),
    savedAtMs: signal(kept.savedAtMs),
    savedContent: signal(kept.savedContent),
    tour: signal(kept.tour),
    keys: signal(kept.keys),
  };
  effect(() => {
    const values: Kept = {
      theme: settings.theme.value,
      language: settings.language.value,
      fingerDraws: settings.fingerDraws.value,
      brushOnScreen: settings.brushOnScreen.value,
      liveStarts: settings.liveStarts.value,
      savedAtMs: settings.savedAtMs.value,
      savedContent: settings.savedContent.value,
      tour: settings.tour.value,
      keys: settings.keys.value,
    };
    writeKept(storage, values);
  });
  return settings;
}
