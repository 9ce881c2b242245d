/** The ways in which a page reaches an engine. */
import { connect } from '../../src/studio/connect.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine } from '../../src/studio/engine.ts';
import type { StudioHost } from '../../src/studio/host.ts';
import { type PortLike, portChannel } from '../../src/studio/port-channel.ts';
import { serve } from '../../src/studio/serve.ts';
import { type SocketLike, socketChannel } from '../../src/studio/socket-channel.ts';

/** Two sockets, each of which gets what the other one sends. */
export function socketPair(): readonly [SocketLike, SocketLike] {
  const make = (): SocketLike & { other?: SocketLike } => ({
    onmessage: null,
    onclose: null,
    send(frame) {
      const data = frame.slice().buffer;
      setImmediate(() => this.other?.onmessage?.({ data }));
    },
    close() {
      setImmediate(() => {
        this.onclose?.({});
        this.other?.onclose?.({});
      });
    },
  });
  const [one, two] = [make(), make()];
  one.other = two;
  two.other = one;
  return [one, two];
}

export const WAYS: { readonly [way: string]: (host: StudioHost) => Engine } = {
  'called directly': createEngine,
  'by a socket': (host) => {
    const [page, server] = socketPair();
    serve(createEngine(host), socketChannel(server));
    return connect(socketChannel(page));
  },
  'by a port': (host) => {
    const { port1, port2 } = new MessageChannel();
    serve(createEngine(host), portChannel(port2 as unknown as PortLike));
    return connect(portChannel(port1 as unknown as PortLike));
  },
};
