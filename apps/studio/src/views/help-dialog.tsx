import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';
import { Dialog } from './dialog.tsx';

export function HelpDialog(): JSX.Element {
  const { description } = useStudio();
  return (
    <Dialog name="help" title={text.help.title}>
      {text.help.sections.map(([title, paragraphs]) => (
        <section key={title}>
          <h3>{title}</h3>
          {paragraphs.map((paragraph) => (
            <p key={paragraph}>{paragraph}</p>
          ))}
        </section>
      ))}
      <p class="muted">{description.value !== undefined && text.help.version(description.value.version)}</p>
    </Dialog>
  );
}
