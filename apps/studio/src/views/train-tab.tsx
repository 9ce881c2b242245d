import { LEAST_PAGES, LEAST_REGIONS, type StudioTrainOptions } from 'lamella/studio';
import { Check, Copy, Play, Square, StepForward } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { duration, score } from '../format.ts';
import { MINUTES } from '../state/training.ts';
import { text } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { Chart } from './chart.tsx';
import { useStudio } from './context.ts';
import { Doubt } from './doubt.tsx';
import { Heading } from './heading.tsx';
import { Icon } from './icon.tsx';
import { Segments } from './segments.tsx';

export function TrainTab(): JSX.Element {
  const { training } = useStudio();
  return (
    <>
      <section aria-labelledby="train" data-topic="train">
        <Heading id="train" title={text.train.title} topic="train" />
        <p class="muted">{text.train.help}</p>
        {training.running.value ? <Running /> : <Settings />}
        {!training.running.value && <Doubt />}
      </section>
      <Curves />
      <Notes />
      <CommandLine />
    </>
  );
}

function Settings(): JSX.Element {
  const { training, annotation } = useStudio();
  const lacking = annotation.annotatedClasses.value < 2;
  return (
    <>
      <fieldset class="plain-set">
        <legend>{text.train.time}</legend>
        <Segments
          name="minutes"
          options={MINUTES}
          chosen={training.minutes.value}
          label={text.train.minutes}
          choose={(minutes) => {
            training.minutes.value = minutes;
          }}
        />
      </fieldset>
      <StartFrom />
      <Scored />
      <button type="button" class="primary" data-tour="train" disabled={lacking} onClick={() => void training.start()}>
        <Icon of={Play} />
        {text.train.start}
      </button>
      {lacking && <p class="hint">{text.train.lacking}</p>}
      <Resume />
    </>
  );
}

function Resume(): JSX.Element | null {
  const { training } = useStudio();
  const run = training.unfinished.value;
  if (run === undefined) return null;
  return (
    <button type="button" onClick={() => void training.resume(run.run)}>
      <Icon of={StepForward} />
      {text.train.resume(run.run, run.steps, run.of)}
    </button>
  );
}

/** What the network will be scored on, or what is missing for that. */
function Scored(): JSX.Element | null {
  const { annotation } = useStudio();
  const [complete, held] = [annotation.completeRegions.value, annotation.heldRegions.value];
  if (held > 0) return <p class="muted">{text.train.heldOut(held)}</p>;
  const isMissing = complete < LEAST_REGIONS && annotation.annotatedImages.value.size < LEAST_PAGES;
  return isMissing ? <p class="hint">{text.train.scoreLacks(LEAST_REGIONS - complete)}</p> : null;
}

function StartFrom(): JSX.Element {
  const { training, live, project } = useStudio();
  const { from } = training;
  const value = typeof from.value === 'string' ? from.value : Object.values(from.value)[0];
  const startFrom = (chosen: string): StudioTrainOptions['from'] => {
    if (chosen === 'scratch' || chosen === 'live') return chosen;
    return project.models.value.includes(chosen) ? { model: chosen } : { run: chosen };
  };
  return (
    <label class="field">
      <span>{text.train.from}</span>
      <select
        value={value}
        onChange={({ currentTarget: { value: chosen } }) => {
          from.value = startFrom(chosen);
        }}
      >
        <option value="scratch">{text.train.scratch}</option>
        {live.networkStep.value > 0 && <option value="live">{text.train.live(live.networkStep.value)}</option>}
        {training.runs.value.map(({ run, score: found }) => (
          <option key={run} value={run}>
            {text.train.run(run, found && score(found.value))}
          </option>
        ))}
        {project.models.value.map((model) => (
          <option key={model} value={model}>
            {model}
          </option>
        ))}
      </select>
    </label>
  );
}

function Running(): JSX.Element {
  const { training } = useStudio();
  const left = training.leftMs.value;
  return (
    <>
      <progress max={1} value={training.progress.value} aria-label={text.train.progress} />
      <p class="row" role="status">
        <span class="grow number">{text.train.step(training.step.value)}</span>
        <span class="muted">{left === undefined ? text.train.preparing : text.train.left(duration(left))}</span>
      </p>
      <button type="button" data-tour="stop" disabled={training.stopping.value} onClick={() => void training.stop()}>
        <Icon of={Square} />
        {training.stopping.value ? text.train.stopping : text.train.stop}
      </button>
    </>
  );
}

function Curves(): JSX.Element | null {
  const { training } = useStudio();
  const { losses, scores, best, scoreName, scoredOn } = training;
  if (losses.value.length === 0) return null;
  const name = scoreName.value ?? text.train.score;
  return (
    <section aria-labelledby="curves">
      <h2 id="curves">{text.train.curves}</h2>
      <h3>{text.train.loss}</h3>
      <Chart label={text.train.lossCurve(losses.value.length)} points={losses.value} colour="muted" />
      {scores.value.length > 0 ? (
        <>
          <h3>{name}</h3>
          <Chart label={text.train.scoreCurve(name, scores.value.length)} points={scores.value} colour="accent" />
          {best.value !== undefined && (
            <p>
              <Icon of={Check} size={14} /> {text.train.best(best.value.step, name, score(best.value.value))}
            </p>
          )}
          {scoredOn.value !== undefined && <p class="muted">{text.train.scoredOn(scoredOn.value)}</p>}
        </>
      ) : (
        training.running.value && <p class="hint">{text.train.noScore}</p>
      )}
    </section>
  );
}

function Notes(): JSX.Element | null {
  const { training } = useStudio();
  if (training.notes.value.length === 0) return null;
  return (
    <section>
      <details>
        <summary>{text.train.notes}</summary>
        <ul class="notes">
          {training.notes.value.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      </details>
    </section>
  );
}

function CommandLine(): JSX.Element | null {
  const { training, messages } = useStudio();
  const [command, setCommand] = useState<string>();
  const [minutes, from] = [training.minutes.value, training.from.value];
  useEffect(() => {
    training.command().then(setCommand, () => setCommand(undefined));
  }, [training, minutes, from]);
  if (command === undefined) return null;
  const copy = (): void => {
    navigator.clipboard.writeText(command).then(() => messages.say(text.copied), messages.failed);
  };
  return (
    <section aria-labelledby="command">
      <h2 id="command">{text.train.command}</h2>
      <div class="row">
        <code class="grow">
          {command.split(/(?<= )/).map((word, i) => (
            <span key={i}>{word}</span>
          ))}
        </code>
        <IconButton class="quiet" icon={Copy} label={text.copy} onClick={copy} />
      </div>
    </section>
  );
}
