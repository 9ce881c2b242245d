import type { JSX } from 'preact';
import { pixelValue } from '../format.ts';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';

/** What is under the pointer, what can be undone, what is kept, and what computes. */
export function StatusLine(): JSX.Element {
  const { annotation, description } = useStudio();
  const kept = annotation.unkept.value === 0 ? text.status.kept : text.status.keeping;
  return (
    <footer class="status">
      <UnderPointer />
      <span class="grow" />
      <span>{annotation.undoText.value}</span>
      <span class={annotation.unkept.value === 0 ? 'good' : ''} role="status">
        {annotation.readOnly.value ? text.status.readOnly : kept}
      </span>
      <span>{description.value?.devices[0]?.label}</span>
    </footer>
  );
}

function UnderPointer(): JSX.Element {
  const { pointer, display, annotation } = useStudio();
  const at = pointer.at.value;
  const shown = display.shown.value;
  const layer = annotation.layer.value;
  annotation.edits.value;
  if (at === undefined || shown === undefined)
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
      x {x} y {y} <span class="muted">{text.status.value}</span> {display.valuesAt(at).map(pixelValue).join(', ')}{' '}
      <strong>{name()}</strong>
    </span>
  );
}
