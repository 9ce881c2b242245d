/** The guided first run: one thing to do after the other, on the example, each passed by doing it. It blocks nothing. */

import { computed, effect, type ReadonlySignal, signal, untracked } from '@preact/signals';
import type { Annotation } from './annotation.ts';
import type { Checking } from './checking.ts';
import type { Live } from './live.ts';
import type { Measuring } from './measuring.ts';
import type { Painting } from './painting.ts';
import type { OpenProject } from './project.ts';
import type { Settings } from './settings.ts';
import type { Tab } from './tabs.ts';
import type { Training } from './training.ts';

export const TOUR_STEPS = [
  'background',
  'objects',
  'live',
  'correct',
  'train',
  'training',
  'check',
  'judge',
  'measure',
  'export',
] as const;

export type TourStep = (typeof TOUR_STEPS)[number];

interface Parts {
  readonly settings: Settings;
  readonly project: OpenProject;
  readonly annotation: Annotation;
  readonly painting: Painting;
  readonly live: Live;
  readonly training: Training;
  readonly checking: Checking;
  readonly measuring: Measuring;
  readonly tab: ReadonlySignal<Tab>;
  readonly dialog: ReadonlySignal<unknown>;
  /** The last step was done. */
  onFinished(): void;
}

interface Step {
  /** What is to be used: a CSS selector. */
  target(): string;
  done(): boolean;
  /** False when what the step before led to is no longer there, as after the page was loaded again. */
  ready?(): boolean;
}

export function createTour(parts: Parts) {
  const { settings, project, annotation, painting, live, training, checking, measuring, tab, dialog } = parts;
  /** Edits and runs that there were when the step began. */
  const before = signal({ edits: 0, runs: 0 });
  const now = () => ({ edits: annotation.made.value ?? 0, runs: training.runs.value.length });

  const inTab = (id: Tab, selector: string): string => (tab.value === id ? selector : `#tab-${id}`);
  const paints = (at: number): string => {
    if (painting.classAt.value !== at) return `[data-class="${at}"]`;
    return painting.tool.value === 'brush' ? '.canvas' : '[data-command="brush"]';
  };
  /** The labels on the screen; they change with the edits. */
  const layer = () => (annotation.edits.value >= 0 ? annotation.layer.value : undefined);

  const STEPS: { readonly [step in TourStep]: Step } = {
    background: { target: () => paints(0), done: () => (layer()?.pixels(0) ?? 0) > 0 },
    objects: { target: () => paints(1), done: () => (layer()?.largestLabel ?? 0) >= 2 },
    live: { target: () => inTab('annotate', '[data-topic="live"]'), done: () => live.tiles.value.length > 0 },
    correct: { target: () => '.canvas', done: () => now().edits > before.value.edits },
    train: {
      target: () => inTab('train', '[data-tour="train"]'),
      done: () => training.running.value || now().runs > before.value.runs,
    },
    training: {
      target: () => inTab('train', '[data-tour="stop"]'),
      done: () => !training.running.value && now().runs > 0,
      ready: () => training.running.value || now().runs > 0,
    },
    check: { target: () => inTab('check', '[data-tour="find"]'), done: () => checking.places.value.length > 0 },
    judge: {
      target: () => inTab('check', '.judge'),
      done: () => checking.verdicts.value.size > 0,
      ready: () => checking.places.value.length > 0,
    },
    measure: {
      target: () => inTab('measure', '[data-tour="segment"]'),
      done: () => measuring.result.value !== undefined && !measuring.running.value,
    },
    export: { target: () => '[data-command="export"]', done: () => dialog.value === 'export' },
  };

  /** The step of the open project, if the tour is on it. */
  const step = computed((): TourStep | undefined => {
    const [kept, id] = [settings.tour.value, project.state.value?.id];
    return typeof kept === 'object' && kept.project === id ? kept.step : undefined;
  });

  const go = (by: number): void => {
    const [at, id] = [step.peek(), project.state.peek()?.id];
    if (at === undefined || id === undefined) return;
    const next = TOUR_STEPS.at(TOUR_STEPS.indexOf(at) + by);
    const isLast = by > 0 && at === TOUR_STEPS.at(-1);
    settings.tour.value = isLast || next === undefined ? 'over' : { project: id, step: next };
    if (isLast) parts.onFinished();
  };

  let entered: TourStep | undefined;
  effect(() => {
    // What is done since then is counted once the annotation is opened.
    const at = annotation.made.value === undefined ? undefined : step.value;
    if (at !== entered) {
      entered = at;
      before.value = untracked(now);
    }
    if (at === undefined) return;
    if (STEPS[at].ready?.() === false) untracked(() => go(-1));
    else if (STEPS[at].done()) untracked(() => go(1));
  });

  return {
    step,
    target: computed(() => step.value && STEPS[step.value].target()),
    /** Whether it was taken, finished or skipped before. */
    get isKnown(): boolean {
      return settings.tour.peek() !== undefined;
    },
    begin(id: string): void {
      settings.tour.value = { project: id, step: TOUR_STEPS[0] };
    },
    next: (): void => go(1),
    skip(): void {
      settings.tour.value = 'over';
    },
  };
}
