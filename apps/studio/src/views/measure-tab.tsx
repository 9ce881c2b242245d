import { Play, Square } from 'lucide';
import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';
import { Doubt } from './doubt.tsx';
import { Heading } from './heading.tsx';
import { Icon } from './icon.tsx';
import { Toggle } from './settings-dialog.tsx';

/** The table itself is below the image, where there is room for it. */
export function MeasureTab(): JSX.Element {
  const { measuring, training } = useStudio();
  const { running, minSizePx, result } = measuring;
  const summary = result.value;
  return (
    <section aria-labelledby="segment" data-topic="measure">
      <Heading id="segment" title={text.measure.title} topic="measure" />
      <p class="muted">{text.measure.help}</p>
      <Doubt />
      <label class="field">
        <span>{text.measure.minSize}</span>
        <span class="row">
          <input
            class="field short"
            type="number"
            min={0}
            max={1_000_000}
            value={minSizePx.value}
            onChange={({ currentTarget }) => {
              minSizePx.value = Math.max(0, Math.round(Number(currentTarget.value) || 0));
            }}
          />
          {text.measure.pixels}
        </span>
      </label>
      <Toggle value={measuring.excludeBorder} label={text.measure.excludeBorder} />
      <Toggle value={measuring.fillHoles} label={text.measure.fillHoles} />
      {running.value ? (
        <Running />
      ) : (
        <button
          type="button"
          class="primary"
          data-tour="segment"
          disabled={training.runs.value.length === 0}
          onClick={() => void measuring.run()}
        >
          <Icon of={Play} />
          {text.measure.run}
        </button>
      )}
      {training.runs.value.length === 0 && <p class="hint">{text.measure.noModel}</p>}
      {summary !== undefined && (
        <>
          <p>
            {text.measure.found(
              summary.images.length,
              summary.images.reduce((sum, { objects }) => sum + objects, 0),
            )}
          </p>
          <Toggle value={measuring.resultShown} label={text.measure.showResult} />
        </>
      )}
    </section>
  );
}

function Running(): JSX.Element {
  const { measuring } = useStudio();
  const progress = measuring.progress.value;
  return (
    <>
      <progress max={progress?.total ?? 1} value={progress?.done} aria-label={text.measure.run} />
      <p class="muted" role="status">
        {progress?.text ?? text.train.preparing}
      </p>
      <button type="button" onClick={() => void measuring.stop()}>
        <Icon of={Square} />
        {text.measure.stop}
      </button>
    </>
  );
}
