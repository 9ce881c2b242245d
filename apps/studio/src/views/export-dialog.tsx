import type { ExportFormat } from 'lamella/studio';
import { Download } from 'lucide';
import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';
import { Dialog } from './dialog.tsx';
import { HelpButton } from './heading.tsx';
import { Icon } from './icon.tsx';

/** What each file is made of: the segmentation, or the model alone. */
const FORMATS: readonly (readonly [ExportFormat, 'prediction' | 'run'])[] = [
  ['csv', 'prediction'],
  ['parquet', 'prediction'],
  ['labels', 'prediction'],
  ['roi', 'prediction'],
  ['geojson', 'prediction'],
  ['coco', 'prediction'],
  ['onnx', 'run'],
  ['report', 'run'],
];

export function ExportDialog(): JSX.Element {
  const studio = useStudio();
  const { measuring, training, dialog } = studio;
  const prediction = measuring.result.value?.prediction;
  const run = training.runs.value.at(-1)?.run;
  const possible = (of: 'prediction' | 'run'): boolean => (of === 'prediction' ? prediction : run) !== undefined;
  const chosen = FORMATS.filter(([format, of]) => measuring.formats.value.has(format) && possible(of)).map(
    ([format]) => format,
  );
  const start = (): void => {
    dialog.value = undefined;
    void studio.saving.exportFiles({ formats: chosen, prediction, run });
  };
  return (
    <Dialog name="export" title={text.export.title}>
      <fieldset>
        <legend class="visually-hidden">{text.export.title}</legend>
        {FORMATS.map(([format, of]) => (
          <label key={format} class="toggle">
            <input
              type="checkbox"
              disabled={!possible(of)}
              checked={measuring.formats.value.has(format) && possible(of)}
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
        <button type="button" class="primary" disabled={chosen.length === 0} onClick={start}>
          <Icon of={Download} />
          {text.export.start}
        </button>
      </div>
    </Dialog>
  );
}
