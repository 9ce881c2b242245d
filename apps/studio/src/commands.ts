/** All that can be done by a key or a button, in one table: what `?` lists, and what can be given another key. */

import type { ReadonlySignal } from '@preact/signals';
import { topicInSight } from './help-topics.ts';
import type { Dialog, Studio } from './state/studio.ts';
import type { Tab } from './state/tabs.ts';
import { text } from './text/text.ts';
import type { ToolId } from './tools/tool.ts';
import { PREVIEW_MODES } from './viewer/preview-layer.ts';

export type Group = keyof typeof text.keys.groups;

export interface Command {
  readonly id: string;
  readonly group: Group;
  readonly label: string;
  /** Names as `keyName` gives them; the first is shown. */
  readonly keys: readonly string[];
  /** Not done, and the key left to the browser, when it is false. */
  possible?(studio: Studio): boolean;
  run(studio: Studio): void;
}

const hasImage = ({ display }: Studio): boolean => display.shown.value !== undefined;
const hasProject = ({ project }: Studio): boolean => project.state.value !== undefined;

const tab = (id: Tab, key: string): Command => ({
  id: `tab-${id}`,
  group: 'windows',
  label: text.tabs[id],
  keys: [key],
  possible: hasProject,
  run: (studio) => {
    studio.tab.value = id;
  },
});

const opens = (id: Exclude<Dialog, 'settings' | 'help'>, key: string): Command => ({
  id,
  group: 'windows',
  label: text.header[id],
  keys: [key],
  run: (studio) => {
    studio.dialog.value = id;
  },
});

const view = (id: keyof typeof text.keys.view, keys: readonly string[], run: Command['run']): Command => ({
  id,
  group: 'view',
  label: text.keys.view[id],
  keys,
  possible: hasImage,
  run,
});

const tool = (id: ToolId, key: string): Command => ({
  id,
  group: 'tools',
  label: text.tools[id],
  keys: [key],
  possible: hasImage,
  run: ({ painting }) => painting.choose(id),
});

const edit = (id: keyof typeof text.keys.edit, keys: readonly string[], run: Command['run']): Command => ({
  id,
  group: 'edit',
  label: text.keys.edit[id],
  keys,
  possible: hasProject,
  run,
});

const isChecking = ({ tab, checking }: Studio): boolean => tab.value === 'check' && checking.places.value.length > 0;

const check = (id: keyof typeof text.keys.check, key: string, run: Command['run']): Command => ({
  id,
  group: 'check',
  label: text.keys.check[id],
  keys: [key],
  possible: isChecking,
  run,
});

/** What runs is stopped by a press more, since Escape is pressed for many reasons. @returns whether anything runs */
function offerToStop({ training, checking, measuring, messages }: Studio): boolean {
  const offer = (
    question: string,
    label: string,
    stop: () => Promise<void>,
    running: ReadonlySignal<boolean>,
  ): true => {
    messages.offer(question, label, () => void stop(), running);
    return true;
  };
  if (training.running.value && !training.stopping.value)
    return offer(text.train.stopQuestion, text.train.stop, training.stop, training.running);
  if (measuring.running.value) return offer(text.measure.stopQuestion, text.stop, measuring.stop, measuring.running);
  return checking.searching.value && offer(text.check.stopQuestion, text.stop, checking.stop, checking.searching);
}

const CLASS_KEYS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

export const COMMANDS: readonly Command[] = [
  // First, since S means another thing elsewhere.
  check('accept', 'a', ({ checking }) => void checking.accept()),
  check('correct', 'c', ({ checking }) => checking.corrected()),
  check('skip', 's', ({ checking }) => checking.skip()),
  // From anywhere: the place that is next, or the search for places.
  {
    id: 'next',
    group: 'check',
    label: text.keys.check.next,
    keys: ['n'],
    possible: (studio) => isChecking(studio) || studio.annotation.annotatedClasses.value > 1,
    run(studio) {
      const { tab, checking } = studio;
      if (isChecking(studio)) checking.next();
      else if (checking.places.value.length > 0) checking.show(checking.at.value);
      else void checking.search();
      tab.value = 'check';
    },
  },
  tool('brush', 'b'),
  tool('eraser', 'e'),
  tool('polygon', 'p'),
  tool('fill', 'g'),
  tool('wand', 'w'),
  tool('region', 'r'),
  tool('object', 'o'),
  tool('select', 'v'),
  tool('split', 'x'),
  tool('pick', 'k'),
  tool('hand', 'h'),
  edit('smaller', ['['], ({ painting }) => painting.resize(-1)),
  edit('larger', [']'], ({ painting }) => painting.resize(1)),
  edit('onePixel', ['\\'], ({ painting }) => {
    painting.size.value = 1;
  }),
  ...CLASS_KEYS.map(
    (n): Command => ({
      id: `class-${n}`,
      group: 'classes',
      label: text.keys.class(n),
      keys: [String(n)],
      possible: ({ annotation }) => annotation.classes.value.length >= n,
      run: ({ painting }) => painting.chooseClass(n - 1),
    }),
  ),
  {
    id: 'unknown',
    group: 'classes',
    label: text.keys.unknown,
    keys: ['0'],
    possible: hasImage,
    run: ({ painting }) => painting.choose('eraser'),
  },
  edit('merge', ['m'], ({ objects }) => objects.merge()),
  edit('remove', ['Delete', 'Backspace'], ({ objects }) => objects.remove()),
  edit('fillHoles', ['j'], ({ objects }) => objects.fillHoles()),
  edit('copySlice', ['Shift+d'], ({ objects }) => objects.copyToNext()),
  edit('interpolate', ['i'], ({ objects }) => void objects.interpolate()),
  edit('undo', ['Ctrl+z'], ({ annotation }) => void annotation.undo()),
  edit('redo', ['Ctrl+Shift+z', 'Ctrl+y'], ({ annotation }) => void annotation.redo()),
  // Otherwise Enter presses the button that has the focus.
  { ...edit('finish', ['Enter'], ({ painting }) => painting.finish()), possible: ({ painting }) => painting.busy },
  edit('cancel', ['Escape'], (studio) => {
    if (!studio.painting.cancel() && !offerToStop(studio)) studio.messages.dismissLast();
  }),
  view('live', ['l'], ({ live }) => live.toggle()),
  view('update', ['Ctrl+Enter'], ({ live }) => live.update()),
  view('mode', ['t'], ({ display: { previewMode } }) => {
    previewMode.value = PREVIEW_MODES[(PREVIEW_MODES.indexOf(previewMode.value) + 1) % PREVIEW_MODES.length];
  }),
  view('fit', ['f'], ({ display }) => display.fit()),
  view('actual', ['z'], ({ display }) => display.scaleTo(display.transform.value.scale === 1 ? 8 : 1)),
  view('zoomIn', ['+', '='], ({ display }) => display.zoomBy(1.5)),
  view('zoomOut', ['-'], ({ display }) => display.zoomBy(1 / 1.5)),
  view('nextSlice', ['d'], ({ project }) => project.goToPage(project.page.value + 1)),
  view('previousSlice', ['s'], ({ project }) => project.goToPage(project.page.value - 1)),
  view('nextImage', ['.'], ({ project }) => project.step(1)),
  view('previousImage', [','], ({ project }) => project.step(-1)),
  view('annotation', ['q'], ({ display }) => {
    display.annotationShown.value = !display.annotationShown.value;
  }),
  tab('annotate', 'Alt+1'),
  tab('train', 'Alt+2'),
  tab('check', 'Alt+3'),
  tab('measure', 'Alt+4'),
  {
    id: 'image',
    group: 'windows',
    label: text.keys.focusImage,
    keys: ['F6'],
    possible: hasImage,
    run({ pointer }) {
      const isThere = document.activeElement?.matches('.canvas');
      document.querySelector<HTMLElement>(isThere ? '[role=tab][tabindex="0"]' : '.canvas')?.focus();
      if (!isThere) pointer.moveBy(0, 0);
    },
  },
  {
    id: 'save',
    group: 'windows',
    label: text.header.save,
    keys: ['Ctrl+s'],
    possible: hasProject,
    run: (studio) => void studio.saving.save(),
  },
  { ...opens('export', 'Ctrl+e'), possible: hasProject },
  {
    id: 'help',
    group: 'windows',
    label: text.header.help,
    keys: ['F1'],
    run: ({ openHelp }) => openHelp(topicInSight()),
  },
  opens('keys', '?'),
];

type Remapped = Studio['settings']['keys']['value'];

export const keysOf = ({ id, keys }: Command, remapped: Remapped): readonly string[] => remapped[id] ?? keys;

/** What a key does now, if it does anything. */
export function commandFor(key: string, studio: Studio): Command | undefined {
  const remapped = studio.settings.keys.value;
  return COMMANDS.find(
    (command) =>
      keysOf(command, remapped).includes(key) && (command.possible === undefined || command.possible(studio)),
  );
}

/** The command that has a key already, if it is given to `id`. */
export const conflict = (key: string, id: string, remapped: Remapped): Command | undefined =>
  COMMANDS.find((other) => other.id !== id && keysOf(other, remapped).includes(key));

/** The first key of a command, for a button's tooltip. */
export const shortcut = (id: string, remapped: Remapped): string | undefined => {
  const command = COMMANDS.find((other) => other.id === id);
  return command && keysOf(command, remapped)[0];
};
