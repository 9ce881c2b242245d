/** What the page says to the user, the newest last. */

import { type ReadonlySignal, signal } from '@preact/signals';
import { LamellaError } from 'lamella';
import type { Problem } from 'lamella/studio';
import { text as words } from '../text/text.ts';

export interface Message {
  readonly id: number;
  readonly kind: 'note' | 'problem';
  readonly text: string;
  /** What the reader can do about it. */
  readonly remedy?: string;
  /** The single sentences, where there are too many for a message each. */
  readonly list?: readonly string[];
  /** It is over when files are saved again. */
  readonly isOfSaving?: boolean;
  /** What a press of its button does. */
  readonly action?: { readonly label: string; run(): void };
}

const MOST = 5;
/** Problems of one drop that are a message each; more of them are one with a list. */
const MOST_APART = 3;

const sentence = ({ message, file }: Pick<Problem, 'message' | 'file'>): string =>
  file === undefined ? message : `${file}: ${message}`;

export type Messages = ReturnType<typeof createMessages>;

/** @param stop ends what the engine is busy with */
export function createMessages(stop: () => Promise<void>) {
  const shown = signal<readonly Message[]>([]);
  /** For screen readers: the last thing that happened, seen or not. */
  const spoken = signal('');
  /** The engine has ended: one in a worker until the page is loaded again, a server until it is started again. */
  const disconnected = signal(false);
  let count = 0;

  const add = (message: Omit<Message, 'id'>): void => {
    const others = shown.value.filter(({ text, list }) => text !== message.text || list !== undefined);
    shown.value = [...others, { ...message, id: ++count }].slice(-MOST);
  };
  const problem = (found: Omit<Problem, 'code'> & Partial<Pick<Problem, 'code'>>, isOfSaving = false): void => {
    const { message, file, remedy, code } = words.problem(found);
    if (code === 'disconnected') disconnected.value = true;
    // An event has said so already.
    else if (code !== 'restarted') {
      const run = (): void => void stop().catch(failed);
      const action = code === 'busy' ? { label: words.stop, run } : undefined;
      add({ kind: 'problem', text: sentence({ message, file }), remedy, isOfSaving, action });
    }
  };
  const tell = (error: unknown, isOfSaving: boolean): void => {
    if (error instanceof LamellaError) problem({ ...error, message: error.problem, code: error.code }, isOfSaving);
    else problem({ message: error instanceof Error ? error.message : String(error) }, isOfSaving);
  };
  const failed = (error: unknown): void => tell(error, false);

  return {
    shown,
    spoken,
    disconnected,
    note: (text: string): void => add({ kind: 'note', text }),
    problem,
    /** Problems that came together, such as those of files that were dropped: none is lost, however many there are. */
    problems(found: readonly Problem[]): void {
      if (found.length <= MOST_APART) for (const one of found) problem(one);
      else add({ kind: 'problem', text: words.problems(found.length), list: found.map(words.problem).map(sentence) });
    },
    /** A note that stays until its button is pressed, it is closed, or what it is about is over. */
    offer(text: string, label: string, run: () => void, isOn?: ReadonlySignal<boolean>): void {
      add({ kind: 'note', text, action: { label, run } });
      const id = count;
      const end = isOn?.subscribe((on) => {
        if (on) return;
        this.dismiss(id);
        queueMicrotask(() => end?.());
      });
    },
    /** Says what a rejected call was rejected with. */
    failed,
    /** The same of what was to be saved, until it is. */
    unsaved: (error: unknown): void => tell(error, true),
    saved(): void {
      shown.value = shown.value.filter(({ isOfSaving }) => isOfSaving !== true);
    },
    dismiss(id: number): void {
      shown.value = shown.value.filter((message) => message.id !== id);
    },
    dismissLast(): void {
      shown.value = shown.value.slice(0, -1);
    },
    say(text: string): void {
      spoken.value = text;
    },
  };
}
