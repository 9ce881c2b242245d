import { LamellaError } from '../errors.ts';
import type { Engine, EngineEvent } from './engine.ts';
import { errorData } from './error-data.ts';
import { argumentsOf, isMethod } from './methods.ts';
import { type Channel, headerOf } from './protocol.ts';
import { openWire } from './wire.ts';

/** Previews that may be on their way; further ones wait, and a newer one of the same place takes the older one's. */
const MOST_PREVIEWS = 8;

/**
 * Lets the other side of a channel use an engine, which is disposed of when the channel closes. A message that is none is
 * answered with an error if it has a number, and otherwise ignored; nothing is ever thrown.
 */
export function serve(engine: Engine, channel: Channel): void {
  const wire = openWire(channel);
  const previews = previewQueue((event) => wire.send({ event, number: wire.next() }));
  const unsubscribe = engine.subscribe((event) => {
    if (event.kind === 'preview') previews.add(event);
    else wire.send({ event });
  });
  channel.onMessage((message) => {
    const { header } = message;
    try {
      const read = headerOf(header);
      if (read.kind === 'ack') previews.taken();
      else if (read.kind === 'call') answer(read.id, read.call, wire.decode(read.args, message.parts));
      else wire.handle(read, message.parts);
    } catch (cause) {
      const { id } = (header ?? {}) as { readonly id?: unknown };
      if (typeof id === 'number' && Number.isSafeInteger(id)) wire.send({ re: id, error: errorData(cause) });
    }
  });
  channel.onClose(() => {
    unsubscribe();
    wire.close();
    engine.dispose().catch(() => undefined);
  });

  function answer(id: number, call: string, args: unknown): void {
    const run = async (): Promise<unknown> => {
      if (!isMethod(call)) throw new LamellaError(`The engine has no method '${call.slice(0, 40)}'.`);
      const method = engine[call] as (...given: readonly unknown[]) => Promise<unknown>;
      return method.apply(engine, argumentsOf(call, args) as unknown[]);
    };
    wire.answer(id, run());
  }
}

type Preview = Extract<EngineEvent, { kind: 'preview' }>;

/** Previews in order, as many at a time as the other side takes. */
function previewQueue(send: (preview: Preview) => void) {
  const waiting = new Map<string, Preview>();
  let sent = 0;
  const sendNext = (): void => {
    for (const [place, preview] of waiting) {
      if (sent >= MOST_PREVIEWS) return;
      waiting.delete(place);
      sent++;
      send(preview);
    }
  };
  return {
    add(preview: Preview): void {
      const { image, page, rect } = preview.view;
      waiting.set(JSON.stringify([image, page, rect]), preview);
      sendNext();
    },
    taken(): void {
      sent = Math.max(0, sent - 1);
      sendNext();
    },
  };
}
