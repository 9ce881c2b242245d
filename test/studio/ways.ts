/** The ways in which a page reaches an engine. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { startStudioServer } from '../../src/platform/node/studio-server.ts';
import { connect } from '../../src/studio/connect.ts';
import { createEngine } from '../../src/studio/create-engine.ts';
import type { Engine } from '../../src/studio/engine.ts';
import type { StudioHost } from '../../src/studio/host.ts';
import { type PortLike, portChannel } from '../../src/studio/port-channel.ts';
import { serve } from '../../src/studio/serve.ts';
import { SOCKET_PATH, SOCKET_PROTOCOL, type SocketLike, socketChannel } from '../../src/studio/socket-channel.ts';

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

/** The client, whose end is awaited on the other side, too. */
const endingBoth = (client: Engine, engine: Engine): Engine => ({
  ...client,
  async dispose() {
    await client.dispose();
    await engine.dispose();
  },
});

export const WAYS: { readonly [way: string]: (host: StudioHost) => Promise<Engine> } = {
  'called directly': async (host) => createEngine(host),
  'by frames in memory': async (host) => {
    const [page, server] = socketPair();
    const engine = createEngine(host);
    serve(engine, socketChannel(server));
    return endingBoth(connect(socketChannel(page)), engine);
  },
  'by a port': async (host) => {
    const { port1, port2 } = new MessageChannel();
    const engine = createEngine(host);
    serve(engine, portChannel(port2 as unknown as PortLike));
    return endingBoth(connect(portChannel(port1 as unknown as PortLike)), engine);
  },
  'by the server': async (host) => {
    const page = await mkdtemp(join(tmpdir(), 'lamella-page-'));
    await writeFile(join(page, 'index.html'), '');
    const server = await startStudioServer({ host, page });
    const { hash, host: place } = new URL(server.address);
    const socket = new WebSocket(`ws://${place}${SOCKET_PATH}`, [SOCKET_PROTOCOL, hash.slice(1)]);
    socket.binaryType = 'arraybuffer';
    await once(socket, 'open');
    const engine = connect(socketChannel(socket as unknown as SocketLike));
    return {
      ...engine,
      async dispose() {
        // Nobody is asked for edits any more.
        await engine.dispose();
        await server.close();
        await rm(page, { recursive: true });
      },
    };
  },
};
