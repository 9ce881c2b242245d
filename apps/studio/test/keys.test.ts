/** Keys: their names, and that no two commands have the same at the same time. */

import { describe, expect, it } from 'vitest';
import { COMMANDS, conflict, keysOf } from '../src/commands.ts';
import { type KeyPress, keyCaps, keyName } from '../src/keys.ts';

const press = (key: string, held: Partial<KeyPress> = {}): string =>
  keyName({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

describe('names of keys', () => {
  it.each([
    ['b', {}, 'b'],
    ['B', { shiftKey: true }, 'Shift+b'],
    ['?', { shiftKey: true }, '?'],
    ['z', { metaKey: true }, 'Ctrl+z'],
    ['Z', { ctrlKey: true, shiftKey: true }, 'Ctrl+Shift+z'],
    [' ', {}, 'Space'],
    ['ArrowLeft', { shiftKey: true }, 'Shift+ArrowLeft'],
    ['+', { ctrlKey: true }, 'Ctrl++'],
  ])('%s with %o is %s', (key, held, name) => {
    expect(press(key, held)).toBe(name);
  });

  it('are shown as caps', () => {
    expect(keyCaps('Ctrl+Shift+z')).toEqual(['Ctrl', 'Shift', 'Z']);
    expect(keyCaps('Ctrl++')).toEqual(['Ctrl', '+']);
    expect(keyCaps('+')).toEqual(['+']);
    expect(keyCaps('Shift+ArrowLeft')).toEqual(['Shift', '←']);
  });
});

describe('commands', () => {
  it('have ids of their own', () => {
    expect(new Set(COMMANDS.map(({ id }) => id)).size).toBe(COMMANDS.length);
  });

  it('share no key, but for those of checking, which come first', () => {
    const [checking, others] = [true, false].map((is) => COMMANDS.filter(({ group }) => (group === 'check') === is));
    for (const group of [checking, others]) {
      const keys = group.flatMap((command) => keysOf(command, {}));
      expect(new Set(keys).size).toBe(keys.length);
    }
    expect(COMMANDS.slice(0, checking.length)).toEqual(checking);
  });

  it('leave the keys of the browser alone', () => {
    const browsers = ['Ctrl+t', 'Ctrl+w', 'Ctrl+n', 'Ctrl+l', 'Ctrl+f', 'Ctrl+r', 'F5', 'Tab'];
    expect(COMMANDS.flatMap(({ keys }) => keys).filter((key) => browsers.includes(key))).toEqual([]);
  });

  it('can be given other keys, which then count', () => {
    const brush = COMMANDS.find(({ id }) => id === 'brush');
    expect(brush && keysOf(brush, { brush: ['y'] })).toEqual(['y']);
    expect(conflict('e', 'brush', {})?.id).toBe('eraser');
    expect(conflict('e', 'brush', { eraser: ['Shift+e'] })).toBeUndefined();
  });
});
