/** What a model says of what is on the screen, while the user paints. */

import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Engine, EngineEvent, LiveOptions, View } from 'lamella/studio';
import type { PreviewTile } from '../viewer/preview-layer.ts';
import type { Annotation } from './annotation.ts';
import type { Display } from './display.ts';
import type { Messages } from './messages.ts';
import type { Settings } from './settings.ts';
import type { Tab } from './tabs.ts';

export interface ShownTile extends PreviewTile, Pick<View, 'image' | 'page'> {}

const MOST_TILES = 64;

interface Parts {
  readonly engine: Engine;
  readonly display: Display;
  readonly annotation: Annotation;
  readonly settings: Settings;
  readonly messages: Messages;
  readonly tab: ReadonlySignal<Tab>;
}

export type Live = ReturnType<typeof createLive>;

export function createLive({ engine, display, annotation, settings, messages, tab }: Parts) {
  const on = signal(false);
  const wanted = signal<LiveOptions['model']>('auto');
  /** One update was asked for while it is off; what it showed stays. */
  const updated = signal(false);
  /** Which model made what is shown. */
  const model = signal<'quick' | 'network' | undefined>(undefined);
  /** Classes of which there is nothing to learn from yet. */
  const missing = signal<readonly string[] | undefined>(undefined);
  /** What was said last, with the shares of classes on a page. */
  const said = signal<Extract<EngineEvent, { kind: 'live' }> | undefined>(undefined);
  const tiles = signal<readonly ShownTile[]>([]);
  /** Whether the quick model has learned something. */
  const hasQuick = signal(false);
  /** Steps that the network has learned so far. */
  const networkStep = signal(0);

  const isOnScreen = (view?: Pick<View, 'image' | 'page'>): boolean => {
    const shown = display.shown.value;
    return view?.image === shown?.image.id && view?.page === shown?.page;
  };

  const take = (event: EngineEvent): void => {
    if (event.kind === 'live') {
      model.value = event.model;
      said.value = event;
      missing.value = event.missing;
    } else if (event.kind === 'preview') {
      const { view, classes, probability, uncertainty } = event;
      const tile = { rect: view.rect, image: view.image, page: view.page, classes, probability, uncertainty };
      const others = tiles.value.filter((other) => !covers(tile, other));
      tiles.value = [...others, tile].slice(-MOST_TILES);
      missing.value = undefined;
      model.value = event.model;
      if (event.model === 'quick') hasQuick.value = true;
    } else if (event.kind === 'step' && on.value) networkStep.value = event.step;
  };
  engine.subscribe(take);

  effect(() => {
    const [shown, rect] = [display.shown.value, display.visible.value];
    if (shown === undefined || rect === undefined || rect.width === 0 || rect.height === 0) return;
    void engine.setView({ image: shown.image.id, page: shown.page, rect }).catch(() => undefined);
  });

  /** While images are segmented and measured, the engine has no time for previews. */
  let isWanted = false;
  effect(() => {
    const options = { on: on.value && tab.value !== 'measure', model: wanted.value };
    if (!options.on && !isWanted) return;
    isWanted = options.on;
    void engine.setLive(options).catch((error: unknown) => {
      // There is nothing to switch off in a project that was closed.
      if (!options.on) return;
      on.value = false;
      messages.failed(error);
    });
  });

  const set = (options: LiveOptions): void => {
    batch(() => {
      on.value = options.on;
      wanted.value = options.model;
      updated.value = false;
    });
  };

  /** Begins by itself as soon as two classes are annotated, once per project. */
  let begun: unknown;
  effect(() => {
    const annotations = annotation.annotations.value;
    if (annotations === undefined || begun === annotations || annotation.annotatedClasses.value < 2) return;
    begun = annotations;
    if (settings.liveStarts.peek() && !annotation.readOnly.peek()) set({ on: true, model: wanted.peek() });
  });

  return {
    on,
    wanted,
    model,
    missing,
    /** Of the visible part, by class; not those of another page, from which the screen has just changed. */
    shares: computed(() => (isOnScreen(said.value?.view) ? said.value?.classShares : undefined)),
    hasQuick,
    networkStep,
    /** Of the page on the screen. */
    tiles: computed((): readonly ShownTile[] => tiles.value.filter(isOnScreen)),
    /** Whether there are previews to be drawn. */
    drawn: computed(() => on.value || updated.value),
    set,
    update(): void {
      updated.value = !on.value;
      engine.updateLive().catch(messages.failed);
    },
    toggle: (): void => set({ on: !on.value, model: wanted.value }),
    forget(): void {
      tiles.value = [];
      model.value = undefined;
      said.value = undefined;
      missing.value = undefined;
      hasQuick.value = false;
      networkStep.value = 0;
      on.value = false;
      updated.value = false;
    },
  };
}

/** Whether a tile shows all that another one does. */
function covers(tile: ShownTile, other: ShownTile): boolean {
  const [a, b] = [tile.rect, other.rect];
  return (
    tile.image === other.image &&
    tile.page === other.page &&
    a.x <= b.x &&
    a.y <= b.y &&
    a.x + a.width >= b.x + b.width &&
    a.y + a.height >= b.y + b.height
  );
}
