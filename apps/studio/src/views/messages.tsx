import { X } from 'lucide';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Message } from '../state/messages.ts';
import { text } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { useStudio } from './context.ts';

const NOTE_MS = 6000;

/** What went wrong stays until it is closed; a note leaves by itself. */
export function Messages(): JSX.Element {
  const { messages, description, annotation } = useStudio();
  const isServer = description.value?.place === 'server';
  return (
    <>
      <div class="messages" role="log" aria-live="polite">
        {messages.disconnected.value && (
          <div class="message problem">
            <div>
              <p>
                {isServer ? text.serverEnded(annotation.unkept.value) : text.disconnected}{' '}
                <span class="muted">{isServer ? text.serverEndedRemedy(location.port) : text.disconnectedRemedy}</span>
              </p>
            </div>
            {!isServer && (
              <button type="button" onClick={() => location.reload()}>
                {text.reload}
              </button>
            )}
          </div>
        )}
        {messages.shown.value.map((message) => (
          <Shown key={message.id} message={message} />
        ))}
      </div>
      <div class="visually-hidden" aria-live="polite">
        {messages.spoken.value}
      </div>
    </>
  );
}

function Shown({
  message: { id, kind, text: words, remedy, list, action },
}: {
  readonly message: Message;
}): JSX.Element {
  const { messages } = useStudio();
  useEffect(() => {
    if (kind === 'problem' || action !== undefined) return;
    const timer = setTimeout(() => messages.dismiss(id), NOTE_MS);
    return () => clearTimeout(timer);
  }, [id, kind, action, messages]);
  return (
    <div class={`message ${kind}`}>
      <div>
        <p>
          {words} {remedy !== undefined && <span class="muted">{remedy}</span>}
        </p>
        {list !== undefined && (
          <ul class="sentences">
            {list.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        )}
      </div>
      {action !== undefined && (
        <button
          type="button"
          class="primary"
          onClick={() => {
            messages.dismiss(id);
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <IconButton class="quiet" icon={X} label={text.close} onClick={() => messages.dismiss(id)} />
    </div>
  );
}
