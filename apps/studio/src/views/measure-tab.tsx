import { useSignal } from '@preact/signals';
import { Play, Square } from 'lucide';
import type { JSX } from 'preact';
import { score } from '../format.ts';
import type { PixelSize } from '../state/project.ts';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';
import { Doubt } from './doubt.tsx';
import { Heading } from './heading.tsx';
import { Icon } from './icon.tsx';
import { Segments } from './segments.tsx';
import { Toggle } from './settings-dialog.tsx';

/** What the engine calls the quick model. */
const QUICK = 'quick';

/** The table itself is below the image, where there is room for it. */
export function MeasureTab(): JSX.Element {
  const { measuring, training, live, project } = useStudio();
  const { running, minSizePx } = measuring;
  const hasObjects = project.state.value?.project.task === 'objects';
  const [runs, quick] = [training.runs.value, live.hasQuick.value];
  const last = runs.at(-1);
  const usual = quick && last?.behindQuick !== undefined ? QUICK : (last?.run ?? QUICK);
  const models = [...runs.map(({ run }) => run).reverse(), ...(quick ? [QUICK] : [])];
  // Also between a choice and the frame that draws it.
  const chosenModel = (): string => models.find((one) => one === measuring.chosen.value) ?? usual;
  const model = chosenModel();
  const nameOf = (one: string): string => {
    const run = runs.find((item) => item.run === one);
    return run === undefined ? text.live.choices.quick : text.train.run(run.run, run.score && score(run.score.value));
  };
  return (
    <section aria-labelledby="segment" data-topic="measure">
      <Heading id="segment" title={text.measure.title} topic="measure" />
      <p class="muted">{text.measure.help}</p>
      {/* Of the quick model only why it is used. */}
      <Doubt run={runs.find(({ run }) => run === model) ?? { behindQuick: last?.behindQuick }} />
      {models.length > 1 && (
        <label class="field">
          <span>{text.live.model}</span>
          <select
            value={model}
            onChange={({ currentTarget: { value } }) => {
              measuring.chosen.value = value;
            }}
          >
            {models.map((one) => (
              <option key={one} value={one}>
                {nameOf(one)}
              </option>
            ))}
          </select>
        </label>
      )}
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
      <PixelSizeFields />
      <Toggle value={measuring.excludeBorder} label={text.measure.excludeBorder} />
      <Toggle value={measuring.fillHoles} label={text.measure.fillHoles} />
      {hasObjects && <Toggle value={measuring.splitNecks} label={text.measure.splitNecks} />}
      {running.value ? (
        <Running />
      ) : (
        <button
          type="button"
          class="primary"
          data-tour="segment"
          disabled={models.length === 0}
          onClick={() => void measuring.run(chosenModel())}
        >
          <Icon of={Play} />
          {text.measure.run}
        </button>
      )}
      {last === undefined && <p class="hint">{quick ? text.measure.byQuick : text.measure.noModel}</p>}
      {measuring.columns.value.length > 0 && (
        <>
          <p>{text.measure.found(measuring.images.value, measuring.found.value, hasObjects)}</p>
          <fieldset class="plain-set">
            <legend class="visually-hidden">{text.measure.table}</legend>
            <Segments
              name="rows"
              options={['objects', 'images'] as const}
              chosen={measuring.rows.value}
              label={(of) =>
                of === 'images' ? text.images.title : text.task.names[hasObjects ? 'objects' : 'classes']
              }
              choose={measuring.chooseRows}
            />
          </fieldset>
          {measuring.joined.value > 0 && <p class="hint">{text.measure.joined(measuring.joined.value)}</p>}
          {measuring.since.value > 0 && <p class="hint">{text.measure.since(measuring.since.value)}</p>}
          {measuring.isOutdated.value && <p class="hint">{text.measure.outdated}</p>}
          <Toggle value={measuring.resultShown} label={text.measure.showResult} />
        </>
      )}
    </section>
  );
}

const UNITS = ['nm', 'µm', 'mm', 'cm', 'm'];

/** What the file states, or what was typed for all files. */
function PixelSizeFields(): JSX.Element | null {
  const { measuring, project } = useStudio();
  /** What was chosen and is not set yet. */
  const chosen = useSignal<Partial<PixelSize>>({});
  const image = project.image.value;
  if (image === undefined) return null;
  const { x, y, z } = image.spacing;
  const unit = chosen.value.unit ?? x?.unit ?? 'µm';
  const isSquare = x?.value === y?.value;
  const slice = z?.unit === unit ? z.value : undefined;
  const set = async (size: Partial<PixelSize>): Promise<void> => {
    const all = { ...chosen.value, ...size };
    chosen.value = all;
    const { x: width = x?.value, y: height = y?.value, z: distance = slice, unit: named = unit } = all;
    if (width === undefined || height === undefined) return;
    await measuring.setPixelSize({ x: width, y: height, unit: named, ...(distance !== undefined && { z: distance }) });
    if (chosen.value === all) chosen.value = {};
  };
  return (
    <>
      <div class="field">
        <label for="pixel-size">{text.measure.pixelSize}</label>
        <span class="row">
          <Length
            id="pixel-size"
            value={isSquare ? x?.value : undefined}
            placeholder={isSquare ? undefined : `${x?.value} × ${y?.value}`}
            onChange={(length) => void set({ x: length, y: length })}
          />
          <select
            aria-label={text.measure.unit}
            value={unit}
            onChange={({ currentTarget: { value } }) => void set({ unit: value })}
          >
            {[...new Set([...UNITS, unit])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </span>
      </div>
      {x === undefined && <p class="hint">{text.measure.noPixelSize}</p>}
      {x !== undefined && image.slices > 1 && (
        <div class="field">
          <label for="slice-distance">{text.measure.sliceDistance}</label>
          <span class="row">
            <Length
              id="slice-distance"
              value={slice}
              placeholder={z && `${z.value} ${z.unit}`}
              onChange={(length) => void set({ z: length })}
            />
            {unit}
          </span>
        </div>
      )}
    </>
  );
}

interface LengthProps {
  readonly id: string;
  readonly value: number | undefined;
  readonly placeholder?: string;
  readonly onChange: (length: number) => void;
}

/** What is no length is put back. */
function Length({ id, value, placeholder, onChange }: LengthProps): JSX.Element {
  const { measuring } = useStudio();
  return (
    <input
      id={id}
      class="field short"
      type="number"
      min={0}
      step="any"
      value={value}
      placeholder={placeholder}
      disabled={measuring.running.value}
      onChange={({ currentTarget }) => {
        if (Number(currentTarget.value) > 0) onChange(Number(currentTarget.value));
        else currentTarget.value = String(value ?? '');
      }}
    />
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
        {text.stop}
      </button>
    </>
  );
}
