import type { Engine, EngineEvent } from './engine.ts';

/** The events of an engine, and others beside them. */
export function ownEvents(engine: Engine): Pick<Engine, 'subscribe'> & { tell(event: EngineEvent): void } {
  const listeners = new Set<(event: EngineEvent) => void>();
  return {
    tell: (event) => {
      for (const listener of listeners) listener(event);
    },
    subscribe(listener) {
      listeners.add(listener);
      const unsubscribe = engine.subscribe(listener);
      return () => {
        listeners.delete(listener);
        unsubscribe();
      };
    },
  };
}
