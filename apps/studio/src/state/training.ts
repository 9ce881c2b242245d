/** Training a network to its end, and how it goes. */

import { batch, computed, signal } from '@preact/signals';
import type { Engine, EngineEvent, RunInfo, ScoredOn, StudioTrainOptions, TrainedRun } from 'lamella/studio';
import type { Messages } from './messages.ts';

/** A point of a curve. */
export interface CurvePoint {
  readonly step: number;
  readonly value: number;
}

export const MINUTES = [1, 2, 5, 15, 60] as const;
const DEFAULT_MINUTES = 2;

export type Training = ReturnType<typeof createTraining>;

/** @param onTrained a run has come to its end */
export function createTraining(engine: Engine, messages: Messages, onTrained: (run: TrainedRun) => void) {
  const running = signal(false);
  const stopping = signal(false);
  const minutes = signal<number>(DEFAULT_MINUTES);
  const from = signal<StudioTrainOptions['from']>('scratch');
  const losses = signal<readonly CurvePoint[]>([]);
  const scores = signal<readonly CurvePoint[]>([]);
  const scoreName = signal<string | undefined>(undefined);
  const best = signal<CurvePoint | undefined>(undefined);
  /** What the scores rest on. */
  const scoredOn = signal<ScoredOn | undefined>(undefined);
  const step = signal(0);
  const steps = signal<number | undefined>(undefined);
  const leftMs = signal<number | undefined>(undefined);
  /** Of the project, the newest last; undefined until they are listed. */
  const known = signal<readonly RunInfo[] | undefined>(undefined);
  const runs = computed(() => known.value?.filter(({ isListed }) => isListed) ?? []);

  /** What training says of the data, and what it decided. */
  const notes = signal<readonly string[]>([]);

  const take = (event: EngineEvent): void => {
    // The network of the live preview takes steps as well.
    if (!running.value) return;
    if (event.kind === 'step') {
      const { of, loss } = event;
      // One of the live network comes last when training begins; it does not know of how many.
      if (of === undefined) return;
      batch(() => {
        // A smaller network, when one did not fit, begins again.
        const before = (losses.value.at(-1)?.step ?? 0) < event.step ? losses.value : [];
        step.value = event.step;
        steps.value = of;
        leftMs.value = event.leftMs;
        losses.value = [...before, { step: event.step, value: loss }];
      });
    } else if (event.kind === 'note' || event.kind === 'device') {
      const found = event.kind === 'note' ? event.text : event.why;
      if (found !== undefined) notes.value = [...notes.value, found];
    } else if (event.kind === 'validation') {
      batch(() => {
        const point = { step: event.step, value: event.value };
        scoreName.value = event.name;
        scoredOn.value = event.on;
        scores.value = [...scores.value, point];
        if (event.best) best.value = point;
      });
    }
  };
  engine.subscribe(take);

  const options = computed((): StudioTrainOptions => ({ minutes: minutes.value, from: from.value }));

  const list = async (): Promise<void> => {
    known.value = await engine.runs();
  };

  /** Shows how a training goes, from its beginning on. */
  const follow = async (train: () => Promise<TrainedRun>): Promise<void> => {
    if (running.value) return;
    batch(() => {
      running.value = true;
      stopping.value = false;
      losses.value = [];
      scores.value = [];
      notes.value = [];
      best.value = undefined;
      step.value = 0;
      steps.value = undefined;
      leftMs.value = undefined;
    });
    try {
      const run = await train();
      await list();
      onTrained(run);
    } catch (error) {
      messages.failed(error);
    } finally {
      running.value = false;
      stopping.value = false;
    }
  };

  return {
    running,
    stopping,
    minutes,
    from,
    losses,
    scores,
    scoreName,
    best,
    scoredOn,
    notes,
    step,
    steps,
    leftMs,
    known,
    /** Those that have a model. */
    runs,
    /** The last one that has not come to the end of its plan. */
    unfinished: computed(() => known.value?.findLast(({ steps: done, of }) => done < of)),
    /** Share of the steps that are done, 0..1; undefined while nobody knows. */
    progress: computed(() => (steps.value ? Math.min(1, step.value / steps.value) : undefined)),
    command: (): Promise<string> => engine.trainCommand(options.value),
    start: (): Promise<void> => follow(() => engine.train(options.value)),
    resume: (run: string): Promise<void> => follow(() => engine.resume(run)),
    /** Ends early and keeps the best model so far. */
    async stop(): Promise<void> {
      stopping.value = true;
      await engine.stop().catch(messages.failed);
    },
    /** @param isOpen whether another project is open now */
    forget(isOpen = false): void {
      batch(() => {
        losses.value = [];
        scores.value = [];
        notes.value = [];
        best.value = undefined;
        from.value = 'scratch';
        known.value = undefined;
      });
      if (isOpen) void list().catch(messages.failed);
    },
  };
}
