import {
  Brush,
  CirclePlus,
  Eraser,
  Hand,
  type IconNode,
  Minus,
  MousePointer2,
  PaintBucket,
  Pipette,
  Plus,
  Scissors,
  Spline,
  SquareDashed,
  WandSparkles,
} from 'lucide';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { WITH_BRUSH } from '../state/scene.ts';
import { text } from '../text/text.ts';
import type { ToolId } from '../tools/tool.ts';
import { IconButton } from './button.tsx';
import { useStudio } from './context.ts';
import { HelpButton } from './heading.tsx';

const ICONS: { readonly [id in ToolId]: IconNode } = {
  brush: Brush,
  eraser: Eraser,
  polygon: Spline,
  fill: PaintBucket,
  wand: WandSparkles,
  region: SquareDashed,
  object: CirclePlus,
  select: MousePointer2,
  split: Scissors,
  pick: Pipette,
  hand: Hand,
};

const OF_OBJECTS: readonly ToolId[] = ['object', 'select', 'split'];
const WITH_TOLERANCE: readonly ToolId[] = ['fill', 'wand'];

/** The tools, and what belongs to the one in hand. Arrow keys move along it. */
export function Toolbar(): JSX.Element {
  const { painting, annotation } = useStudio();
  const bar = useRef<HTMLDivElement>(null);
  const kind = annotation.annotations.value?.kind;
  const tools = (Object.keys(ICONS) as ToolId[]).filter((id) => kind === 'objects' || !OF_OBJECTS.includes(id));
  const walk = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const buttons = [...(bar.current?.querySelectorAll('button') ?? [])];
    const at = buttons.indexOf(event.target as HTMLButtonElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    buttons[(at + step + buttons.length) % buttons.length].focus();
  };
  return (
    <div class="toolbar">
      <div ref={bar} role="toolbar" aria-label={text.tools.title} class="row" onKeyDown={walk}>
        {tools.map((id) => (
          <IconButton
            key={id}
            class="quiet tool"
            icon={ICONS[id]}
            label={text.tools[id]}
            command={id}
            topic={id}
            pressed={painting.tool.value === id}
            onClick={() => painting.choose(id)}
          />
        ))}
      </div>
      {WITH_BRUSH.includes(painting.tool.value) && <BrushSize />}
      {WITH_TOLERANCE.includes(painting.tool.value) && <Tolerance />}
      {kind === 'classes' && (
        <label class="toggle small">
          <input
            type="checkbox"
            checked={painting.keep.value}
            onChange={({ currentTarget }) => {
              painting.keep.value = currentTarget.checked;
            }}
          />
          {text.tools.keep}
        </label>
      )}
      <span class="grow" />
      <HelpButton topic={painting.tool.value} />
    </div>
  );
}

function BrushSize(): JSX.Element {
  const { painting } = useStudio();
  const { size } = painting;
  return (
    <div class="row size">
      <label class="row">
        <span class="muted">{text.tools.size}</span>
        <input
          type="range"
          min={0}
          max={100}
          aria-valuetext={text.tools.sizePx(size.value)}
          value={(100 * Math.log(size.value)) / Math.log(512)}
          onInput={({ currentTarget }) => {
            size.value = Math.round(512 ** (Number(currentTarget.value) / 100));
          }}
        />
      </label>
      <IconButton
        class="quiet"
        icon={Minus}
        label={text.tools.smaller}
        command="smaller"
        onClick={() => painting.resize(-1)}
      />
      <output class="number">{text.tools.sizePx(size.value)}</output>
      <IconButton
        class="quiet"
        icon={Plus}
        label={text.tools.larger}
        command="larger"
        onClick={() => painting.resize(1)}
      />
    </div>
  );
}

function Tolerance(): JSX.Element {
  const { painting } = useStudio();
  const { tolerance } = painting;
  return (
    <label class="row size">
      <span class="muted">{text.tools.tolerance}</span>
      <input
        type="range"
        min={0}
        max={1}
        step={0.01}
        aria-valuetext={text.percent(tolerance.value)}
        value={tolerance.value}
        onInput={({ currentTarget }) => {
          tolerance.value = Number(currentTarget.value);
        }}
      />
      <output class="number">{text.percent(tolerance.value)}</output>
    </label>
  );
}
