/** What the canvas draws, put together from the state. */

import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { LabelLayer } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { ToolId } from '../tools/tool.ts';
import type { ShownLabels } from '../viewer/label-layer.ts';
import { type Area, CHUNK } from '../viewer/label-mips.ts';
import { sliceOfLayer } from '../viewer/label-source.ts';
import type { Overlay } from '../viewer/overlay.ts';
import { classColour, type Rgb, rgbOf } from '../viewer/palette.ts';
import type { Scene } from '../viewer/viewer.ts';
import type { Annotation } from './annotation.ts';
import type { Checking } from './checking.ts';
import type { Display } from './display.ts';
import type { Live } from './live.ts';
import type { Measuring } from './measuring.ts';
import type { Objects } from './objects.ts';
import type { Painting } from './painting.ts';
import type { PointerState } from './pointer.ts';
import type { Tab } from './tabs.ts';

/** Tools that paint within a circle. */
export const WITH_BRUSH: readonly ToolId[] = ['brush', 'eraser', 'object', 'wand'];

/** A preview is fainter than what is painted. */
const PREVIEW_OPACITY = 0.7;

interface Parts {
  readonly display: Display;
  readonly annotation: Annotation;
  readonly objects: Objects;
  readonly painting: Painting;
  readonly pointer: PointerState;
  readonly live: Live;
  readonly checking: Checking;
  readonly measuring: Measuring;
  readonly tab: ReadonlySignal<Tab>;
}

export function createScene({
  display,
  annotation,
  objects,
  painting,
  pointer,
  live,
  checking,
  measuring,
  tab,
}: Parts) {
  const listeners = new Set<(labels: ShownLabels, area: Area) => void>();
  const hidden = signal<ReadonlySet<number>>(new Set());

  const labels = computed((): ShownLabels | undefined => {
    const [layer, shown] = [annotation.layer.value, display.shown.value];
    if (layer === undefined || shown === undefined || layer.width !== shown.image.width) return undefined;
    return sliceOfLayer(layer, shown.page);
  });

  /** Tells the canvas what has been painted since it was told last. */
  const tell = (layer: LabelLayer, shown: ShownLabels, changes: ReturnType<LabelLayer['track']>): void => {
    const slice = display.shown.value?.page;
    for (const { slice: own, column, row, left, top, right, bottom } of changes.take()) {
      if (own !== slice || layer !== annotation.layer.value) continue;
      const area = { x: column * CHUNK + left, y: row * CHUNK + top, width: right - left, height: bottom - top };
      shown.mips.changed(area);
      for (const listener of listeners) listener(shown, area);
    }
  };
  let tellChanges = (): void => {};
  effect(() => {
    const [layer, shown] = [annotation.layer.value, labels.value];
    if (layer === undefined || shown === undefined) return;
    const changes = layer.track();
    tellChanges = () => tell(layer, shown, changes);
    return () => changes.close();
  });
  effect(() => {
    annotation.edits.value;
    tellChanges();
  });

  const classes = computed((): readonly (Rgb | undefined)[] => {
    const all = annotation.classes.value;
    return Array.from({ length: 255 }, (_, value) => {
      if (hidden.value.has(value)) return undefined;
      return rgbOf(all.find((item) => item.value === value)?.colour ?? classColour(value));
    });
  });

  const scene = computed((): Scene | undefined => {
    if (display.shown.value === undefined) return undefined;
    const shown = display.annotationShown.value ? labels.value : undefined;
    const style = {
      opacity: display.opacity.value,
      outlines: display.outlines.value,
      seed: display.seed.value,
      selected: objects.selected.value,
    };
    const result = tab.value === 'measure' && measuring.resultShown.value ? measuring.shown.value : undefined;
    const selected = measuring.selected.value;
    const tiles = live.drawn.value && result === undefined && display.annotationShown.value ? live.tiles.value : [];
    return {
      transform: display.transform.value,
      channels: display.channels.value,
      classes: classes.value,
      preview: { tiles, mode: display.previewMode.value, opacity: PREVIEW_OPACITY * display.opacity.value },
      // A segmentation takes the place of what is painted.
      labels:
        result !== undefined
          ? [{ shown: result, style: { ...style, selected: selected === undefined ? [] : [selected.object] } }]
          : shown === undefined
            ? []
            : [{ shown, style }],
    };
  });

  /** The place that is checked, if it is on the screen. */
  const placeInView = computed(() => {
    const [place, shown] = [checking.current.value, display.shown.value];
    return tab.value === 'check' && place?.image === shown?.image.id && place?.page === shown?.page
      ? place?.rect
      : undefined;
  });

  const overlay = computed((): Overlay | undefined => {
    const image = display.shown.value?.image;
    if (image === undefined) return undefined;
    display.canvas.value;
    const at = pointer.at.value;
    const tool = painting.tool.value;
    const hasBrush = !pointer.panning.value && WITH_BRUSH.includes(tool);
    return {
      transform: display.transform.value,
      density: globalThis.devicePixelRatio ?? 1,
      image,
      regions: display.annotationShown.value ? annotation.regions.value : [],
      draft: painting.draft.value,
      brush:
        hasBrush && at !== undefined
          ? { at, diameter: painting.diameter.value, erases: tool === 'eraser' || pointer.alt.value }
          : undefined,
      crosshair: pointer.fromKeys.value ? at : undefined,
      flash: display.flash.value,
      frame: placeInView.value,
      spacing: image.spacing.x,
      words: { complete: text.regions.complete, held: text.regions.held },
    };
  });

  return {
    scene,
    overlay,
    classes,
    hidden,
    cursor: computed(() => {
      if (pointer.panning.value || painting.tool.value === 'hand') return 'grab';
      return WITH_BRUSH.includes(painting.tool.value) ? 'none' : 'crosshair';
    }),
    /** Says that something was painted that is no edit yet. */
    painted: (): void => tellChanges(),
    onLabels(listener: (labels: ShownLabels, area: Area) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
