import { LamellaError } from '../../errors.ts';
import { connect } from '../../studio/connect.ts';
import type { Engine } from '../../studio/engine.ts';
import { keepIncoming } from '../../studio/incoming.ts';
import { type PortLike, portChannel } from '../../studio/port-channel.ts';
import { SOCKET_PATH, SOCKET_PROTOCOL, type SocketLike, socketChannel } from '../../studio/socket-channel.ts';
import { openIncoming } from './incoming.ts';
import type { OpenRuntimeOptions } from './runtime.ts';

/**
 * Reaches the engine of the `lamella studio` that serves this page.
 * @param token what follows `#` in the address that it prints
 * @throws LamellaError with the code `disconnected` if the token is wrong or the server has ended
 */
export async function connectStudioServer(token: string): Promise<Engine> {
  const address = new URL(SOCKET_PATH, location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address, [SOCKET_PROTOCOL, token]);
  socket.binaryType = 'arraybuffer';
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onclose = () =>
      reject(
        new LamellaError('Lamella Studio cannot be reached.', {
          remedy: 'Start lamella studio again, and open the address that it prints.',
          facts: { code: 'disconnected' },
        }),
      );
  });
  return connect(socketChannel(socket as unknown as SocketLike));
}

/**
 * Starts Studio's engine in a worker of this page, with projects in the page's private storage (OPFS). Another worker
 * keeps what is recorded while the engine computes. `dispose` ends both at once; what was recorded is kept. When the
 * engine's worker ends by itself, for want of memory or since its program is not served, every call rejects with the code
 * `disconnected`.
 *
 * @example
 * const engine = openStudioEngine({ wasmPath: '/ort/' });
 * const { project } = await engine.create('nuclei');
 */
export function openStudioEngine(options: OpenRuntimeOptions = {}): Engine {
  // Bundlers recognise this expression and bundle the program.
  const worker = new Worker(new URL('./studio-worker.js', import.meta.url), {
    type: 'module',
    name: JSON.stringify(options),
  });
  const ended = new Promise((resolve) => {
    worker.onerror = resolve;
  });
  return keepIncoming(connect(portChannel(worker as unknown as PortLike, ended)), openIncoming());
}
