/** What the help has pages of, and which page belongs to what is under the pointer or has the focus. */

import type { text } from './text/text.ts';

export type HelpTopic = keyof typeof text.help.pages;

export const HELP_GROUPS: { readonly [group in keyof typeof text.help.groups]: readonly HelpTopic[] } = {
  begin: ['begin', 'unknown', 'kept', 'keyboard'],
  tools: [
    'brush',
    'eraser',
    'polygon',
    'fill',
    'wand',
    'region',
    'object',
    'select',
    'merge',
    'split',
    'pick',
    'hand',
    'interpolate',
  ],
  work: ['live', 'train', 'check', 'measure', 'export'],
};

/** The commands, by their ids, whose keys a page names. */
export const HELP_COMMANDS: { readonly [topic in HelpTopic]: readonly string[] } = {
  begin: ['help', 'keys'],
  unknown: ['unknown', 'region'],
  kept: ['save', 'undo', 'redo'],
  keyboard: ['image', 'keys'],
  brush: ['brush', 'smaller', 'larger', 'onePixel'],
  eraser: ['eraser', 'unknown'],
  polygon: ['polygon', 'finish', 'cancel'],
  fill: ['fill'],
  wand: ['wand', 'smaller', 'larger'],
  region: ['region'],
  object: ['object', 'smaller', 'larger'],
  select: ['select', 'remove', 'fillHoles'],
  merge: ['select', 'merge'],
  split: ['split'],
  pick: ['pick'],
  hand: ['hand', 'fit', 'actual', 'zoomIn', 'zoomOut'],
  interpolate: ['interpolate', 'copySlice', 'nextSlice', 'previousSlice'],
  live: ['live', 'mode', 'annotation'],
  train: ['tab-train'],
  check: ['tab-check', 'accept', 'correct', 'skip', 'next'],
  measure: ['tab-measure'],
  export: ['export', 'save'],
};

/** The topic of what the pointer is on, else of what has the focus, as their `data-topic` says. */
export function topicInSight(): HelpTopic {
  const found =
    [...document.querySelectorAll<HTMLElement>('[data-topic]:hover')].at(-1) ??
    document.activeElement?.closest<HTMLElement>('[data-topic]');
  return (found?.dataset.topic as HelpTopic | undefined) ?? 'begin';
}
