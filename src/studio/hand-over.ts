import type { Engine, EngineEvent, ProjectState } from './engine.ts';

/** A page that does not answer meanwhile is not waited for. */
const GRACE_MS = 2000;

/** An engine that can ask the page that uses it for the edits that it does not have yet. */
export interface AskingEngine extends Engine {
  /** Tells the page that the engine ends (`ending` event). Resolves when the page has called `flush`, or some seconds later. */
  handedOver(): Promise<void>;
}

/** @param after calls something after so many milliseconds, unless what it returns is called before */
export function askingEngine(engine: Engine, after: (ms: number, work: () => void) => () => void): AskingEngine {
  const listeners = new Set<(event: EngineEvent) => void>();
  let isOpen = false;
  let answered = (): void => undefined;
  const opening = async (opened: Promise<ProjectState>): Promise<ProjectState> => {
    const state = await opened;
    isOpen = !state.readOnly;
    return state;
  };
  return {
    ...engine,
    open: (id) => opening(engine.open(id)),
    create: (name) => opening(engine.create(name)),
    import: (files, name) => opening(engine.import(files, name)),
    async close() {
      await engine.close();
      isOpen = false;
    },
    async flush() {
      try {
        await engine.flush();
      } finally {
        answered();
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      const unsubscribe = engine.subscribe(listener);
      return () => {
        listeners.delete(listener);
        unsubscribe();
      };
    },
    async handedOver() {
      if (!isOpen) return;
      await new Promise<void>((resolve) => {
        const cancel = after(GRACE_MS, resolve);
        answered = () => {
          cancel();
          resolve();
        };
        for (const listener of listeners) listener({ kind: 'ending' });
      });
    },
  };
}
