import { X } from 'lucide';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Dialog as Name } from '../state/studio.ts';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';
import { Icon } from './icon.tsx';

interface Props {
  readonly name: Name;
  readonly title: string;
  readonly children: ComponentChildren;
}

/** One of the studio's dialogs: shown while `studio.dialog` is its name; Escape closes it. */
export function Dialog({ name, title, children }: Props): JSX.Element | null {
  const { dialog } = useStudio();
  const element = useRef<HTMLDialogElement>(null);
  const open = dialog.value === name;
  useEffect(() => {
    if (open) element.current?.showModal();
  }, [open]);
  if (!open) return null;
  const close = (): void => {
    if (dialog.peek() === name) dialog.value = undefined;
  };
  return (
    <dialog
      ref={element}
      class={name}
      aria-labelledby={`dialog-${name}`}
      // At once, since `close` comes late: another dialog, or this one, may be open again by then.
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClose={close}
    >
      <header class="row">
        <h2 id={`dialog-${name}`} class="grow">
          {title}
        </h2>
        <button type="button" class="quiet icon-only" aria-label={text.close} onClick={close}>
          <Icon of={X} />
        </button>
      </header>
      {children}
    </dialog>
  );
}
