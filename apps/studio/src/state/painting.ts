/** The tool in hand, what it paints with, and the gesture that is under way. */

import { computed, signal } from '@preact/signals';
import { brush, eraser, object } from '../tools/brush.ts';
import { fill } from '../tools/fill.ts';
import { pick } from '../tools/pick.ts';
import { polygon } from '../tools/polygon.ts';
import { region } from '../tools/region.ts';
import { select } from '../tools/select.ts';
import { split } from '../tools/split.ts';
import type { Bench, Draft, Gesture, Held, Tool, ToolId } from '../tools/tool.ts';
import { wand } from '../tools/wand.ts';
import type { Point } from '../viewer/transform.ts';
import type { Annotation } from './annotation.ts';
import type { Display } from './display.ts';
import type { Messages } from './messages.ts';
import type { Objects } from './objects.ts';
import type { Settings } from './settings.ts';

/** `hand` moves the view, which is the canvas's own business. */
const TOOLS: { readonly [id in Exclude<ToolId, 'hand'>]: Tool } = {
  brush,
  eraser,
  polygon,
  fill,
  wand,
  region,
  object,
  select,
  split,
  pick,
};

const LARGEST_PX = 4096;
const STEP = 1.25;
const DEFAULT_TOLERANCE = 0.15;

export type Painting = ReturnType<typeof createPainting>;

interface Parts {
  readonly annotation: Annotation;
  readonly display: Display;
  readonly settings: Settings;
  readonly objects: Objects;
  readonly messages: Messages;
  /** A gesture begins or ends. */
  onPainting(painting: boolean): void;
  /** Labels may have changed, though no edit is finished. */
  onPainted(): void;
}

export function createPainting({ annotation, display, settings, objects, messages, onPainting, onPainted }: Parts) {
  const tool = signal<ToolId>('brush');
  /** In image pixels, or in pixels of the screen where the setting says so. */
  const size = signal(16);
  /** The class to paint with, by its place in the list; of objects 1 is any object. */
  const classAt = signal(1);
  /** The object that the brush goes on with where it does not begin in one; undefined: a new one. */
  const current = signal<number | undefined>(undefined);
  const keep = signal(false);
  /** Of fill and wand, 0..1. */
  const tolerance = signal(DEFAULT_TOLERANCE);
  const draft = signal<readonly Draft[]>([]);
  let gesture: Gesture | undefined;

  const diameter = computed(() => {
    const pixels = settings.brushOnScreen.value ? size.value / display.transform.value.scale : size.value;
    return Math.min(LARGEST_PX, Math.max(1, Math.round(pixels)));
  });

  /** The label that the chosen class stands for; undefined: an object's own number. */
  const chosenLabel = (): number | undefined => {
    const { value } = annotation.classes.value[classAt.value] ?? { value: classAt.value };
    return value === 'rest' ? undefined : value;
  };

  const bench = (): Bench | undefined => {
    const [layer, shown, annotations] = [annotation.layer.value, display.shown.value, annotation.annotations.value];
    if (layer === undefined || shown === undefined || annotations === undefined || !annotation.canBegin.value) return;
    const slice = shown.page;
    return {
      annotations,
      image: shown.image.id,
      layer,
      slice,
      planes: shown.planes,
      diameter: diameter.value,
      keep: keep.value || layer.kind === 'objects',
      tolerance: tolerance.value * (display.contrast.value[0].window[1] - display.contrast.value[0].window[0]),
      // 1 at the default: the wand takes what is within one standard deviation.
      deviations: tolerance.value / DEFAULT_TOLERANCE,
      select: objects.select,
      note: messages.note,
      done: () => end(),
      label({ x, y }, _held, fresh) {
        const label = chosenLabel();
        if (label !== undefined || layer.kind === 'classes') return label ?? 0;
        const under = layer.get(Math.floor(x), Math.floor(y), slice);
        if (!fresh && under !== layer.notAnnotated && under !== 0) return under;
        return (!fresh && current.value) || layer.largestLabel + 1;
      },
      choose(label) {
        const at = annotation.classes.value.findIndex(({ value }) => value === label);
        const rest = annotation.classes.value.findIndex(({ value }) => value === 'rest');
        classAt.value = at >= 0 ? at : rest >= 0 ? rest : label;
        current.value = layer.kind === 'objects' && label > 0 ? label : undefined;
      },
      draft(lines) {
        draft.value = lines;
      },
      commit: annotation.commit,
      cancel: annotation.cancel,
    };
  };

  const begin = (use: Tool, at: Point, held: Held): void => {
    const found = bench();
    if (found === undefined) return;
    onPainting(true);
    gesture = use(found, at, held);
    // Outside of the image there is nothing to fill or pick, and a small area is filled at once.
    if (gesture === undefined) onPainting(false);
    onPainted();
  };

  const end = (): void => {
    gesture = undefined;
    draft.value = [];
    onPainting(false);
  };

  return {
    tool,
    size,
    diameter,
    classAt,
    keep,
    tolerance,
    draft,
    get busy(): boolean {
      return gesture !== undefined;
    },
    choose(id: ToolId): void {
      this.cancel();
      tool.value = id;
    },
    /** Takes a class, and a tool that paints if none is in hand. */
    chooseClass(at: number): void {
      classAt.value = at;
      current.value = undefined;
      if (tool.value === 'eraser' || tool.value === 'pick') this.choose('brush');
    },
    resize(steps: number): void {
      const next = size.value * STEP ** steps;
      const rounded = steps > 0 ? Math.ceil(next) : Math.floor(next);
      size.value = Math.min(LARGEST_PX, Math.max(1, rounded));
    },
    down(at: Point, held: Held): void {
      if (gesture?.down !== undefined) {
        gesture.down(at, held);
        return;
      }
      if (tool.value !== 'hand') begin(TOOLS[tool.value], at, held);
    },
    /** As with the tool that picks, whichever is in hand. */
    pickAt(at: Point): void {
      begin(pick, at, { alt: false, shift: false });
    },
    move(points: readonly Point[], held: Held): void {
      gesture?.move(points, held);
      if (gesture !== undefined) onPainted();
    },
    hover(at: Point): void {
      gesture?.hover?.(at);
    },
    up(): void {
      if (gesture !== undefined && !gesture.up()) end();
    },
    finish(): void {
      if (gesture?.finish === undefined) return;
      gesture.finish();
      end();
    },
    /** @returns whether something was begun */
    cancel(): boolean {
      if (gesture === undefined) return false;
      gesture.cancel();
      end();
      onPainted();
      return true;
    },
  };
}
