/** The model's preview while one paints: on or off, which model it is, and how it is drawn. */

import type { LiveOptions } from 'lamella/studio';
import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { classColour } from '../viewer/palette.ts';
import { PREVIEW_MODES, type PreviewMode } from '../viewer/preview-layer.ts';
import { useStudio } from './context.ts';
import { Heading } from './heading.tsx';

const MODELS = ['auto', 'quick', 'network'] as const;

export function LiveSection(): JSX.Element {
  const { live, display, annotation } = useStudio();
  const lacking = annotation.annotatedClasses.value < 2;
  return (
    <section aria-labelledby="live" data-topic="live">
      <div class="row">
        <Heading id="live" title={text.live.title} topic="live" />
        <span class="grow" />
        {live.model.value !== undefined && (
          <span class={`tag ${live.model.value}`}>{text.live.models[live.model.value]}</span>
        )}
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            checked={live.on.value}
            aria-checked={live.on.value}
            aria-labelledby="live"
            onChange={live.toggle}
          />
        </label>
      </div>
      {lacking && <p class="hint">{text.live.lacking}</p>}
      {!lacking && live.missing.value !== undefined && <p class="hint">{text.live.missing(live.missing.value)}</p>}
      {live.on.value && (
        <>
          <label class="field">
            <span>{text.live.show}</span>
            <select
              value={display.previewMode.value}
              onChange={({ currentTarget }) => {
                display.previewMode.value = currentTarget.value as PreviewMode;
              }}
            >
              {PREVIEW_MODES.map((mode) => (
                <option key={mode} value={mode}>
                  {text.live.modes[mode]}
                </option>
              ))}
            </select>
          </label>
          {live.networkStep.value > 0 && (
            <label class="field">
              <span>{text.live.model}</span>
              <select
                value={live.wanted.value}
                onChange={({ currentTarget }) =>
                  live.set({ on: true, model: currentTarget.value as LiveOptions['model'] })
                }
              >
                {MODELS.map((model) => (
                  <option key={model} value={model}>
                    {text.live.choices[model]}
                  </option>
                ))}
              </select>
            </label>
          )}
          <Shares />
          {live.networkStep.value > 0 && <p class="muted">{text.live.learning(live.networkStep.value)}</p>}
        </>
      )}
    </section>
  );
}

/** How much of what is on the screen the model gives to each class. */
function Shares(): JSX.Element | null {
  const { live, annotation } = useStudio();
  const shares = live.shares.value;
  if (shares === undefined) return null;
  return (
    <ul class="shares" aria-label={text.live.shares}>
      {annotation.classes.value.map(({ name, value, colour }, i) => (
        <li key={name}>
          <span class="swatch" style={{ background: colour ?? classColour(value === 'rest' ? 1 : value) }} />
          <span class="grow">{name}</span>
          <span class="number">{text.percent(shares[i] ?? 0)}</span>
        </li>
      ))}
    </ul>
  );
}
