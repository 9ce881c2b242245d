import { factsOf, LamellaError } from '../../errors.ts';
import { smallerEvent } from '../../studio/device.ts';
import type { Engine, EngineEvent, LiveOptions, ProjectState, StudioTrainOptions, View } from '../../studio/engine.ts';
import { problemOf } from '../../studio/error-data.ts';
import { type Method, methodsBy } from '../../studio/methods.ts';

/** Methods that may be called once more when nobody knows whether they were carried out. */
const REPEATABLE: ReadonlySet<Method> = new Set<Method>([
  ...(['describe', 'projects', 'open', 'close', 'plane', 'thumbnail', 'labels', 'record', 'change', 'flush'] as const),
  ...(['setView', 'setPainting', 'trainCommand', 'segmented', 'table', 'stop'] as const),
]);

const OPENING: ReadonlySet<Method> = new Set<Method>(['open', 'create', 'import', 'linkFolder']);

/** A project that is open elsewhere is asked for so often, at such intervals, before it is read only here. */
const LOCK_TRIES = 5;
const LOCK_MS = 600;
/** What ends while it takes over is started once more, so often, at the same intervals. */
const START_TRIES = 3;

const openedElsewhere = (file: string): LamellaError =>
  new LamellaError('this project is now open in another tab or program, which writes to it.', {
    file,
    remedy: 'Close it there, and this page goes on.',
  });

const later = (ms: number): Promise<void> => new Promise((next) => setTimeout(next, ms));

/** For what may come back after any time, such as a server that is started again. */
export interface Patience {
  /**
   * Resolves when it is time for another try.
   * @param tries made since the first few failed, from 1
   * @param isRecording whether edits wait for it
   */
  pause(tries: number, isRecording: boolean): Promise<unknown>;
}

/** An engine, and whether it has ever answered. */
interface Started {
  readonly engine: Engine;
  hasAnswered: boolean;
}

/**
 * An engine that outlives what computes for it. When that ends, such as a worker for want of memory or a connection that
 * broke, the next call starts another one, opens the project there and goes on: edits that were not acknowledged are
 * recorded again, and a `restarted` event says so. The live preview is off then. Calls that cannot be repeated reject with
 * the code `restarted`.
 *
 * The same after memory was missing in WebAssembly, which is left in disorder: without a `restarted` event, and the live
 * preview goes on. A smaller network is then trained instead of one that did not fit, which a `device` event says.
 *
 * `open` waits some seconds for whoever is about to let go of the project, such as this page before it was loaded again.
 *
 * @param again starts what computes once more; not called for one that ended before it answered anything
 * @param patience without it, three failures in a row are the end. With it all calls wait, edits among them, until `again`
 * succeeds and the project can be written to as before; a `problem` event says what they wait for
 * @example const engine = lastingEngine(await connectOnce(), connectOnce);
 */
export function lastingEngine(first: Engine, again: () => Promise<Engine>, patience?: Patience): Engine {
  const listeners = new Set<(event: EngineEvent) => void>();
  const emit = (event: EngineEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const follow = (engine: Engine): Started => {
    const started: Started = { engine, hasAnswered: false };
    engine.subscribe((event) => {
      if (event.kind === 'out-of-memory') void goOnLive(started, event);
      else emit(event);
    });
    return started;
  };
  let current = Promise.resolve(follow(first));
  let ending: Started | undefined;
  let isDisposed = false;
  let project: string | undefined;
  let isWritable = false;
  /** Calls that hand over an edit and are not answered. */
  let recording = 0;
  let view: View | undefined;
  let live: LiveOptions | undefined;

  /** What has to be told to an engine that takes over. */
  function remember(name: Method, args: readonly unknown[], value: unknown): void {
    if (OPENING.has(name)) {
      const opened = value as ProjectState;
      project = opened.id;
      isWritable = !opened.readOnly;
    } else if (name === 'close' || (name === 'forget' && args[0] === project)) project = undefined;
    else if (name === 'setView') view = args[0] as View;
    else if (name === 'setLive') live = { ...live, ...(args[0] as LiveOptions) };
    if (project === undefined) [view, live] = [undefined, undefined];
  }

  async function openWhenFree({ engine }: Started, id: string): Promise<ProjectState> {
    let opened = await engine.open(id);
    const isElsewhere = () => opened.readOnly && !opened.problems.some(({ code }) => code === 'folder-read-only');
    for (let tries = 0; isElsewhere() && tries < LOCK_TRIES; tries++) {
      await later(LOCK_MS);
      opened = await engine.open(id);
    }
    return opened;
  }

  /** @param isAnnounced whether it ended by itself, and the live preview stays off */
  async function takeOver(ended: Started, isAnnounced: boolean): Promise<Started> {
    await ended.engine.dispose();
    let told: string | undefined;
    for (let tries = 1; ; tries++) {
      let next: Started | undefined;
      try {
        next = follow(await again());
        if (project !== undefined) {
          const { readOnly } = await openWhenFree(next, project);
          // What was edited here could never be handed over.
          if (readOnly && isWritable && patience !== undefined) throw openedElsewhere(project);
        }
        if (view !== undefined) await next.engine.setView(view);
        if (live?.on === true && !isAnnounced) await next.engine.setLive(live);
        next.hasAnswered = project !== undefined || patience !== undefined;
        if (isAnnounced) emit({ kind: 'restarted' });
        return next;
      } catch (cause) {
        await next?.engine.dispose();
        const isEnd = factsOf(cause, 'disconnected') === undefined || tries === START_TRIES;
        if (isDisposed || (isEnd && patience === undefined)) throw cause;
        const problem = problemOf(cause);
        if (tries >= START_TRIES && problem.code !== told) {
          told = problem.code;
          emit({ kind: 'problem', problem });
        }
        await (tries < START_TRIES ? later(LOCK_MS) : patience?.pause(tries - START_TRIES + 1, recording > 0));
      }
    }
  }

  /** The first of those who notice the end starts another one, for all of them. */
  async function replace(ended: Started, isAnnounced: boolean): Promise<Engine> {
    if (ending !== ended) {
      ending = ended;
      current = takeOver(ended, isAnnounced);
    }
    return (await current).engine;
  }

  /** The live preview with a smaller network, or without one. */
  async function goOnLive(ended: Started, missing: Extract<EngineEvent, { kind: 'out-of-memory' }>): Promise<void> {
    const { smaller, problem } = missing;
    if (live !== undefined) live = { ...live, on: smaller !== undefined, smaller: { ...live.smaller, ...smaller } };
    try {
      const engine = await replace(ended, false);
      emit(smaller === undefined ? { kind: 'problem', problem } : smallerEvent(smaller, await engine.describe()));
    } catch (cause) {
      emit({ kind: 'problem', problem: problemOf(cause) });
    }
  }

  async function call(name: Method, args: readonly unknown[]): Promise<unknown> {
    if (name !== 'record') return callOnce(name, args);
    recording++;
    try {
      return await callOnce(name, args);
    } finally {
      recording--;
    }
  }

  async function callOnce(name: Method, args: readonly unknown[]): Promise<unknown> {
    const used = await current;
    try {
      const method = used.engine[name] as (...given: readonly unknown[]) => Promise<unknown>;
      const value = await (name === 'open' ? openWhenFree(used, args[0] as string) : method(...args));
      used.hasAnswered = true;
      remember(name, args, value);
      return value;
    } catch (cause) {
      if (isDisposed) throw cause;
      const { isFinal, smaller } = factsOf(cause, 'out-of-memory') ?? {};
      if (isFinal) {
        const engine = await replace(used, false);
        const options = name === 'train' ? (args[0] as StudioTrainOptions) : undefined;
        // The live network to begin with has ended, too.
        if (options === undefined || smaller === undefined || options.from === 'live') throw cause;
        emit(smallerEvent(smaller, await engine.describe()));
        return callOnce(name, [{ ...options, settings: { ...options.settings, ...smaller } }]);
      }
      if (factsOf(cause, 'disconnected') === undefined || !used.hasAnswered) throw cause;
      await replace(used, true);
      if (REPEATABLE.has(name)) return callOnce(name, args);
      throw new LamellaError('What computes had ended, and was started again.', {
        remedy: 'Do this once more.',
        facts: { code: 'restarted' },
        cause,
      });
    }
  }

  return {
    ...methodsBy(call),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async dispose() {
      isDisposed = true;
      await (await current.catch(() => undefined))?.engine.dispose();
    },
  };
}
