import { CircleQuestionMark } from 'lucide';
import type { JSX } from 'preact';
import type { HelpTopic } from '../help-topics.ts';
import { text } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { useStudio } from './context.ts';

/** Opens the page of the help about something. */
export function HelpButton({ topic }: { readonly topic: HelpTopic }): JSX.Element {
  const { openHelp } = useStudio();
  return (
    <IconButton
      class="quiet about"
      icon={CircleQuestionMark}
      label={text.help.about(text.help.pages[topic].title)}
      onClick={() => openHelp(topic)}
    />
  );
}

interface HeadingProps {
  readonly id: string;
  readonly title: string;
  readonly topic: HelpTopic;
}

/** The heading of a section, with the way to its help. */
export const Heading = ({ id, title, topic }: HeadingProps): JSX.Element => (
  <div class="row heading">
    <h2 id={id}>{title}</h2>
    <HelpButton topic={topic} />
  </div>
);
