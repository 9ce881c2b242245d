import type { IconNode } from 'lucide';
import type { JSX } from 'preact';
import { shortcut } from '../commands.ts';
import type { HelpTopic } from '../help-topics.ts';
import { keyCaps } from '../keys.ts';
import { text as words } from '../text/text.ts';
import { useStudio } from './context.ts';
import { Icon } from './icon.tsx';

interface Props {
  readonly icon: IconNode;
  readonly label: string;
  /** The command whose key the tooltip names. */
  readonly command?: string;
  /** The page of the help about it, which a key opens. */
  readonly topic?: HelpTopic;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly class?: string;
  /** Shown beside the drawing. */
  readonly text?: string;
  onClick(): void;
}

/** A button that shows a drawing; what it does, and by which key, is said on hovering and to screen readers. */
export function IconButton({
  icon,
  label,
  command,
  topic,
  pressed,
  disabled,
  text,
  onClick,
  class: name = '',
}: Props): JSX.Element {
  const { settings } = useStudio();
  const keyOf = (id: string | undefined): string | undefined => id && shortcut(id, settings.keys.value);
  const key = keyOf(command);
  const help = topic && keyOf('help');
  const title = key === undefined ? label : `${label} (${keyCaps(key).join('+')})`;
  return (
    <button
      type="button"
      class={`${text === undefined ? 'icon-only' : ''} ${name}`}
      aria-label={text === undefined ? label : undefined}
      aria-pressed={pressed}
      aria-keyshortcuts={key?.replace('Ctrl', 'Control')}
      data-command={command}
      data-topic={topic}
      title={help === undefined ? title : `${title}\n${words.help.tooltip(help)}`}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon of={icon} size={text === undefined ? 18 : 16} />
      {text}
    </button>
  );
}
