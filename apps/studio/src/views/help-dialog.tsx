import type { JSX } from 'preact';
import { COMMANDS, keysOf } from '../commands.ts';
import { HELP_COMMANDS, HELP_GROUPS, type HelpTopic } from '../help-topics.ts';
import { text } from '../text/text.ts';
import { Chord } from './chord.tsx';
import { useStudio } from './context.ts';
import { Dialog } from './dialog.tsx';
import { HELP_PICTURES } from './help-pictures.tsx';

const GROUPS = Object.keys(HELP_GROUPS) as readonly (keyof typeof HELP_GROUPS)[];

/** A page for each tool and each step of the work, beside the list of them. */
export function HelpDialog(): JSX.Element {
  const { helpTopic } = useStudio();
  return (
    <Dialog name="help" title={text.help.title}>
      <div class="help-columns">
        <Topics />
        <Page topic={helpTopic.value} />
      </div>
    </Dialog>
  );
}

function Topics(): JSX.Element {
  const { helpTopic, description } = useStudio();
  return (
    <nav aria-label={text.help.topics}>
      {GROUPS.map((group) => (
        <section key={group}>
          <h3>{text.help.groups[group]}</h3>
          <ul>
            {HELP_GROUPS[group].map((topic) => (
              <li key={topic}>
                <button
                  type="button"
                  class="quiet wide"
                  aria-current={helpTopic.value === topic ? 'page' : undefined}
                  onClick={() => {
                    helpTopic.value = topic;
                  }}
                >
                  {text.help.pages[topic].title}
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <p class="muted">{description.value !== undefined && text.help.version(description.value.version)}</p>
    </nav>
  );
}

function Page({ topic }: { readonly topic: HelpTopic }): JSX.Element {
  const studio = useStudio();
  const { title, body } = text.help.pages[topic];
  const commands = HELP_COMMANDS[topic].flatMap((id) => COMMANDS.filter((command) => command.id === id));
  return (
    <article aria-live="polite" aria-labelledby="help-page">
      <svg class="help-picture" viewBox="0 0 240 96" aria-hidden="true">
        {HELP_PICTURES[topic]}
      </svg>
      <h3 id="help-page">{title}</h3>
      {body.map((paragraph) => (
        <p key={paragraph}>{paragraph}</p>
      ))}
      {topic === 'begin' && (
        <p class="row">
          <button type="button" class="primary" onClick={() => void studio.takeTour()}>
            {text.help.tour}
          </button>
          <span class="muted">{text.help.tourHelp}</span>
        </p>
      )}
      <dl aria-label={text.help.keys}>
        {commands.map((command) => (
          <div key={command.id}>
            <dt>{command.label}</dt>
            <dd>
              {keysOf(command, studio.settings.keys.value).map((key) => (
                <Chord key={key} name={key} />
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </article>
  );
}
