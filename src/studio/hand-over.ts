import type { Engine, ProjectState } from './engine.ts';
import { ownEvents } from './own-events.ts';

/** A page that does not answer meanwhile is not waited for. */
const GRACE_MS = 2000;

/** An engine that can ask the page that uses it for the edits that it does not have yet. */
export interface AskingEngine extends Engine {
  /** Tells the page that the engine ends (`ending` event). Resolves when the page has called `flush`, or two seconds later. */
  handedOver(): Promise<void>;
}

/** @param after calls something after so many milliseconds, unless what it returns is called before */
export function askingEngine(engine: Engine, after: (ms: number, work: () => void) => () => void): AskingEngine {
  const { tell, subscribe } = ownEvents(engine);
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
    subscribe,
    async handedOver() {
      if (!isOpen) return;
      await new Promise<void>((resolve) => {
        const cancel = after(GRACE_MS, resolve);
        answered = () => {
          cancel();
          resolve();
        };
        tell({ kind: 'ending' });
      });
    },
  };
}
