/** Names of keys, as the table of commands and the list of keys write them: `b`, `Shift+d`, `Ctrl+z`, `?`, `Space`. */

import { text } from './text/text.ts';

export type KeyPress = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

const NAMES: { readonly [key: string]: string } = { ' ': 'Space', Esc: 'Escape', Del: 'Delete' };

/**
 * The name of what was pressed. Ctrl stands for the Mac's Command as well. Shift is named beside letters and keys that
 * have no sign: `?` is `?` wherever the keyboard has it.
 */
export function keyName({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyPress): string {
  const name = NAMES[key] ?? (key.length === 1 ? key.toLowerCase() : key);
  const isSign = key.length === 1 && key !== ' ' && key.toLowerCase() === key.toUpperCase();
  const held = [(ctrlKey || metaKey) && 'Ctrl', altKey && 'Alt', shiftKey && !isSign && 'Shift'];
  return [...held.filter((part) => part !== false), name].join('+');
}

/** Whether keys belong to what has the focus, such as a text field, and not to commands. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range', 'color'].includes(target.type);
}

const SIGNS: { readonly [name: string]: string | undefined } = {
  ...text.keys.caps,
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Backspace: '⌫',
};

/** The parts of a key's name as they are shown, each in its own key cap. */
export const keyCaps = (name: string): readonly string[] =>
  (name.endsWith('+') ? [...name.slice(0, -1).split('+').filter(Boolean), '+'] : name.split('+')).map(
    (part) => SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part),
  );
