import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { COMMANDS, type Command, conflict, type Group, keysOf } from '../commands.ts';
import { keyCaps, keyName } from '../keys.ts';
import { text } from '../text/text.ts';
import { Chord } from './chord.tsx';
import { useStudio } from './context.ts';
import { Dialog } from './dialog.tsx';

const GROUPS = Object.keys(text.keys.groups) as readonly Group[];

/** Every key, and how to give a command another. */
export function KeysDialog(): JSX.Element {
  const { settings } = useStudio();
  return (
    <Dialog name="keys" title={text.keys.title}>
      <p class="muted">{text.keys.how}</p>
      <div class="key-groups">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{text.keys.groups[group]}</h3>
            <ul>
              {COMMANDS.filter((command) => command.group === group).map((command) => (
                <KeyRow key={command.id} command={command} />
              ))}
            </ul>
          </section>
        ))}
        <section>
          <h3>{text.keys.pointer}</h3>
          <ul>
            {text.keys.pointerList.map(([held, does]) => (
              <li key={held}>
                <span class="grow">{does}</span>
                <kbd>{held}</kbd>
              </li>
            ))}
          </ul>
        </section>
      </div>
      <div class="row end">
        <button
          type="button"
          disabled={Object.keys(settings.keys.value).length === 0}
          onClick={() => {
            settings.keys.value = {};
          }}
        >
          {text.keys.reset}
        </button>
      </div>
    </Dialog>
  );
}

function KeyRow({ command }: { readonly command: Command }): JSX.Element {
  const { settings, messages } = useStudio();
  const waiting = useSignal(false);
  const take = (event: KeyboardEvent): void => {
    if (!waiting.value || ['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    waiting.value = false;
    if (event.key === 'Escape') return;
    const key = keyName(event);
    const other = conflict(key, command.id, settings.keys.value);
    if (other !== undefined) messages.note(text.keys.taken(keyCaps(key).join('+'), other.label));
    else settings.keys.value = { ...settings.keys.value, [command.id]: [key] };
  };
  return (
    <li>
      <span class="grow">{command.label}</span>
      <button
        type="button"
        class="plain keys"
        onKeyDown={take}
        onBlur={() => {
          waiting.value = false;
        }}
        onClick={() => {
          waiting.value = true;
        }}
      >
        <span class="visually-hidden">{text.keys.change(command.label)}</span>
        {waiting.value ? (
          <em>{text.keys.press}</em>
        ) : (
          keysOf(command, settings.keys.value).map((key) => <Chord key={key} name={key} />)
        )}
      </button>
    </li>
  );
}
