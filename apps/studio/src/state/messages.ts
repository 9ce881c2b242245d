/** What the page says to the user, the newest last. */

import { signal } from '@preact/signals';
import { LamellaError } from 'lamella';
import type { Problem } from 'lamella/studio';

export interface Message {
  readonly id: number;
  readonly kind: 'note' | 'problem';
  readonly text: string;
  /** What the reader can do about it. */
  readonly remedy?: string;
  /** What a press of its button does. */
  readonly action?: { readonly label: string; run(): void };
}

const MOST = 5;

export type Messages = ReturnType<typeof createMessages>;

export function createMessages() {
  const shown = signal<readonly Message[]>([]);
  /** For screen readers: the last thing that happened, seen or not. */
  const spoken = signal('');
  /** The engine has ended; nothing more can be kept until the page is loaded again. */
  const disconnected = signal(false);
  let count = 0;

  const add = (message: Omit<Message, 'id'>): void => {
    const others = shown.value.filter(({ text }) => text !== message.text);
    shown.value = [...others, { ...message, id: ++count }].slice(-MOST);
  };
  const problem = ({ message, file, remedy, code }: Omit<Problem, 'code'> & Partial<Pick<Problem, 'code'>>): void => {
    if (code === 'disconnected') disconnected.value = true;
    else add({ kind: 'problem', text: file === undefined ? message : `${file}: ${message}`, remedy });
  };

  return {
    shown,
    spoken,
    disconnected,
    note: (text: string): void => add({ kind: 'note', text }),
    problem,
    /** A note that stays until its button is pressed, or it is closed. */
    offer: (text: string, label: string, run: () => void): void => add({ kind: 'note', text, action: { label, run } }),
    /** Says what a rejected call was rejected with. */
    failed(error: unknown): void {
      if (error instanceof LamellaError) problem({ ...error, message: error.problem, code: error.code });
      else problem({ message: error instanceof Error ? error.message : String(error) });
    },
    dismiss(id: number): void {
      shown.value = shown.value.filter((message) => message.id !== id);
    },
    say(text: string): void {
      spoken.value = text;
    },
  };
}
