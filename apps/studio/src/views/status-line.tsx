import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ago, pixelValue } from '../format.ts';
import { text } from '../text/text.ts';
import type { Point, Size } from '../viewer/transform.ts';
import { useStudio } from './context.ts';

/** What is under the pointer, what can be undone, what is kept, and what computes. */
export function StatusLine(): JSX.Element {
  const { description, project } = useStudio();
  return (
    <footer class="status">
      <UnderPointer />
      <span class="grow" />
      <LastEdit />
      {project.state.value !== undefined && <OnDisk folder={project.state.value.folder} />}
      <span>{text.start.device(description.value?.devices[0]?.label)}</span>
    </footer>
  );
}

function LastEdit(): JSX.Element {
  const { annotation, project } = useStudio();
  const isKept = annotation.unkept.value === 0;
  const kept = isKept ? text.status.kept : text.status.keeping;
  return (
    <>
      <span>{annotation.undoText.value}</span>
      <span class={isKept ? 'good' : ''} role="status">
        {annotation.readOnly.value ? text.status.readOnly(project.isElsewhere.value) : kept}
      </span>
    </>
  );
}

/** Where browsers keep things is not for ever: whether there is a copy on disk is always in sight. */
function OnDisk({ folder }: { readonly folder: string | undefined }): JSX.Element {
  const { saving } = useStudio();
  const [savedAtMs, now] = [saving.savedAtMs.value, useNow(60_000)];
  if (savedAtMs === undefined && folder === undefined) return <span>{text.status.notOnDisk}</span>;
  const when = savedAtMs === undefined ? '' : ago(savedAtMs, now);
  return (
    <span title={folder}>
      {saving.hasUnsaved.value ? text.status.changed : text.status.onDisk(folder?.replace(/^.*[\\/]/, ''), when)}
    </span>
  );
}

/** The time, anew every so many milliseconds. */
function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return Math.max(now, Date.now());
}

function UnderPointer(): JSX.Element {
  const { pointer, display, annotation } = useStudio();
  const at = pointer.at.value;
  const shown = display.shown.value;
  const layer = annotation.layer.value;
  annotation.edits.value;
  if (at === undefined || shown === undefined || !isInside(at, shown.image))
    return <span class="number">{text.status.zoom(display.transform.value.scale)}</span>;
  const [x, y] = [Math.floor(at.x), Math.floor(at.y)];
  const label = layer?.get(x, y, shown.page);
  const name = (): string => {
    if (label === undefined || layer === undefined) return '';
    if (label === layer.notAnnotated) return text.status.notAnnotated;
    const found = annotation.classes.value.find(({ value }) => value === label);
    return found?.name ?? text.status.object(label);
  };
  return (
    <span class="number">
      {text.status.at(x, y)} <span class="muted">{text.status.value}</span>{' '}
      {display.valuesAt(at).map(pixelValue).join(', ')} {shown.image.valueUnit} <strong>{name()}</strong>
    </span>
  );
}

const isInside = ({ x, y }: Point, { width, height }: Size): boolean => x >= 0 && y >= 0 && x < width && y < height;
