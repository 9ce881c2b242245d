/** A question with two answers, as a native dialog. */

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { text } from '../text/text.ts';

interface Question {
  readonly title: string;
  readonly body: string;
  readonly action: string;
  answer(yes: boolean): void;
}

const asked = signal<Question | undefined>(undefined);

/** @param action the word on the button that agrees */
export const confirm = (title: string, body: string, action: string): Promise<boolean> =>
  new Promise((resolve) => {
    asked.value = {
      title,
      body,
      action,
      answer(yes) {
        asked.value = undefined;
        resolve(yes);
      },
    };
  });

export function Confirm(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const question = asked.value;
  useEffect(() => {
    if (question !== undefined) dialog.current?.showModal();
    else dialog.current?.close();
  }, [question]);
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="question" onCancel={() => question?.answer(false)}>
      <h2 id="question">{question?.title}</h2>
      <p class="muted">{question?.body}</p>
      <div class="row end">
        <button type="button" onClick={() => question?.answer(false)}>
          {text.cancel}
        </button>
        <button type="button" class="danger" onClick={() => question?.answer(true)}>
          {question?.action}
        </button>
      </div>
    </dialog>
  );
}
