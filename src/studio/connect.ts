import type { Engine, EngineEvent } from './engine.ts';
import { methodsBy } from './methods.ts';
import { type Channel, headerOf } from './protocol.ts';
import { openWire } from './wire.ts';

/**
 * The engine on the other side of a channel (`serve`).
 *
 * Its methods reject with the error of the engine, and when the channel closes with a LamellaError whose code is
 * `disconnected`.
 *
 * @example const engine = connect(portChannel(worker));
 */
export function connect(channel: Channel): Engine {
  const wire = openWire(channel);
  const listeners = new Set<(event: EngineEvent) => void>();
  channel.onMessage(({ header, parts }) => {
    const read = headerOf(header);
    if (read.kind !== 'event') return wire.handle(read, parts);
    const event = wire.decode(read.event, parts) as EngineEvent;
    for (const listener of listeners) listener(event);
    if (read.number !== undefined) wire.send({ ack: read.number });
  });
  channel.onClose(() => wire.close());
  return {
    ...methodsBy((call, args) => wire.ask({ call, args })),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async dispose() {
      wire.close();
      channel.close();
    },
  };
}
