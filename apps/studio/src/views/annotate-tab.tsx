import type { AnnotationClass, Region } from 'lamella/studio';
import { Eye, EyeOff, Lock, LockOpen, Plus, Trash2 } from 'lucide';
import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { classColour } from '../viewer/palette.ts';
import { IconButton } from './button.tsx';
import { useStudio } from './context.ts';
import { Heading } from './heading.tsx';
import { Icon } from './icon.tsx';
import { LiveSection } from './live-section.tsx';
import { Segments } from './segments.tsx';

export function AnnotateTab(): JSX.Element {
  const { annotation } = useStudio();
  return (
    <>
      <Task />
      <section aria-labelledby="classes">
        <h2 id="classes">{text.classes.title}</h2>
        <ul class="classes">
          {annotation.classes.value.map((item, i) => (
            <ClassRow key={item.name} item={item} at={i} />
          ))}
        </ul>
        {annotation.annotations.value?.kind === 'classes' && (
          <button type="button" class="quiet" onClick={annotation.addClass}>
            <Icon of={Plus} />
            {text.classes.add}
          </button>
        )}
      </section>
      <LiveSection />
      <Regions />
    </>
  );
}

const TASKS = ['classes', 'objects'] as const;

/** The one question that cannot be guessed; it is settled by the first edit. */
function Task(): JSX.Element {
  const { annotation, messages, painting } = useStudio();
  const kind = annotation.annotations.value?.kind;
  const isSettled = annotation.canUndo.value || annotation.annotatedClasses.value > 0 || annotation.readOnly.value;
  return (
    <section aria-labelledby="task">
      <h2 id="task">{text.task.title}</h2>
      <Segments
        name="task"
        options={TASKS}
        chosen={kind}
        disabled={isSettled}
        label={(task) => text.task.names[task]}
        choose={(task) => {
          painting.choose('brush');
          void annotation.changeTask(task).catch(messages.failed);
        }}
      />
      <p class="muted task-help">{isSettled ? text.task.settled : kind !== undefined && text.task.help[kind]}</p>
    </section>
  );
}

function ClassRow({ item, at }: { readonly item: AnnotationClass; readonly at: number }): JSX.Element {
  const { painting, annotation, scene } = useStudio();
  const value = item.value === 'rest' ? 1 : item.value;
  const colour = item.colour ?? classColour(value);
  const shown = !scene.hidden.value.has(value);
  const change = (values: Partial<AnnotationClass>): void => annotation.changeClass(at, values);
  return (
    <li class={painting.classAt.value === at ? 'current' : ''}>
      <button
        type="button"
        class="plain choose"
        data-class={at}
        aria-pressed={painting.classAt.value === at}
        aria-label={text.classes.paintWith(at + 1, item.name)}
        onClick={() => {
          painting.classAt.value = at;
        }}
      >
        <kbd>{at + 1}</kbd>
      </button>
      <input
        type="color"
        aria-label={text.classes.colour(item.name)}
        value={colour.toLowerCase()}
        onChange={({ currentTarget }) => change({ colour: currentTarget.value })}
      />
      <input
        class="name grow"
        aria-label={text.classes.name}
        value={item.name}
        maxLength={60}
        onFocus={() => {
          painting.classAt.value = at;
        }}
        onChange={({ currentTarget }) => change({ name: currentTarget.value.trim() || item.name })}
      />
      <IconButton
        class="quiet"
        icon={shown ? Eye : EyeOff}
        label={text.classes.show(item.name)}
        pressed={shown}
        onClick={() => {
          const others = [...scene.hidden.value].filter((other) => other !== value);
          scene.hidden.value = new Set(shown ? [...others, value] : others);
        }}
      />
    </li>
  );
}

function Regions(): JSX.Element {
  const { annotation } = useStudio();
  const regions = annotation.regions.value;
  return (
    <section aria-labelledby="regions" data-topic="region">
      <Heading id="regions" title={text.regions.title} topic="region" />
      <p class="muted">{text.regions.help}</p>
      <ul class="regions">
        {regions.map((region) => (
          <RegionRow key={region.id} region={region} />
        ))}
      </ul>
    </section>
  );
}

function RegionRow({ region }: { readonly region: Region }): JSX.Element {
  const { annotation } = useStudio();
  return (
    <li>
      <span class="grow">{text.regions.name(region.id)}</span>
      <label class="toggle small">
        <input
          type="checkbox"
          checked={region.complete}
          onChange={({ currentTarget }) => annotation.changeRegion(region.id, { complete: currentTarget.checked })}
        />
        {text.regions.complete}
      </label>
      <IconButton
        class="quiet"
        icon={region.held ? Lock : LockOpen}
        label={text.regions.hold(region.id)}
        pressed={region.held}
        onClick={() => annotation.changeRegion(region.id, { held: !region.held })}
      />
      <IconButton
        class="quiet"
        icon={Trash2}
        label={text.regions.remove(region.id)}
        onClick={() => annotation.removeRegion(region.id)}
      />
    </li>
  );
}
