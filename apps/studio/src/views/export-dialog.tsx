import type { ExportFormat } from 'lamella/studio';
import { Download } from 'lucide';
import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';
import { Dialog } from './dialog.tsx';
import { HelpButton } from './heading.tsx';
import { Icon } from './icon.tsx';

/** What a file is made of: the segmentation, a trained model, or that of the live preview. */
type Source = 'prediction' | 'run' | 'quick';

/** Each with what it needs one of. */
const FORMATS: readonly (readonly [ExportFormat, ...Source[]])[] = [
  ['csv', 'prediction'],
  ['parquet', 'prediction'],
  ['labels', 'prediction'],
  ['roi', 'prediction'],
  ['geojson', 'prediction'],
  ['coco', 'prediction'],
  ['onnx', 'run'],
  ['bioimageio', 'run'],
  ['quick', 'quick'],
  ['report', 'run', 'prediction'],
  ['project'],
];

export function ExportDialog(): JSX.Element {
  const studio = useStudio();
  const { measuring, training, live, dialog } = studio;
  const prediction = measuring.result.value?.prediction;
  const runs = training.runs.value.map((item) => item.run);
  const run = runs.find((item) => item === measuring.chosen.value) ?? runs.at(-1);
  const there: Readonly<Record<Source, boolean>> = {
    prediction: prediction !== undefined,
    run: run !== undefined,
    quick: live.hasQuick.value,
  };
  const isThere = (sources: readonly Source[]): boolean =>
    sources.length === 0 || sources.some((source) => there[source]);
  // Also between a choice and the frame that draws it.
  const chosen = (): readonly ExportFormat[] =>
    FORMATS.filter(([format, ...of]) => measuring.formats.value.has(format) && isThere(of)).map(([format]) => format);
  const start = (): void => {
    dialog.value = undefined;
    void studio.saving.exportFiles({ formats: chosen(), prediction, run });
  };
  return (
    <Dialog name="export" title={text.export.title}>
      <fieldset>
        <legend class="visually-hidden">{text.export.title}</legend>
        {FORMATS.map(([format, ...of]) => (
          <label key={format} class="toggle">
            <input
              type="checkbox"
              disabled={!isThere(of)}
              checked={measuring.formats.value.has(format) && isThere(of)}
              onChange={() => measuring.toggleFormat(format)}
            />
            <span>
              {text.export.formats[format][0]}
              <span class="muted block">{text.export.formats[format][1]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {prediction === undefined && <p class="hint">{text.export.noPrediction}</p>}
      <div class="row end">
        <HelpButton topic="export" />
        <span class="grow" />
        <button type="button" class="primary" disabled={chosen().length === 0} onClick={start}>
          <Icon of={Download} />
          {text.export.start}
        </button>
      </div>
    </Dialog>
  );
}
