import { LamellaError } from '../../errors.ts';
import { connect } from '../../studio/connect.ts';
import type { Engine } from '../../studio/engine.ts';
import { keepIncoming } from '../../studio/incoming.ts';
import { type PortLike, portChannel } from '../../studio/port-channel.ts';
import { SOCKET_PATH, SOCKET_PROTOCOL, type SocketLike, socketChannel } from '../../studio/socket-channel.ts';
import { openIncoming } from './incoming.ts';
import { lastingEngine } from './lasting-engine.ts';
import type { OpenRuntimeOptions } from './runtime.ts';

/** Held by a page with edits for a server that it cannot reach, until it has the project open there. */
const HANDOVER = 'lamella-handover';
/** A page that opens a project waits at most so long for those that have edits for it. */
const HANDOVER_MS = 10_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5000;

/**
 * Reaches the engine of the `lamella studio` that serves this page. A connection that breaks is made again (`restarted`
 * event), also after the server was started again at this port: another page of this browser that opens a project there tells the
 * new token. Until then calls wait, edits among them; that page gives way to one that has edits.
 * @param token what follows `#` in the address that it prints
 * @param onToken called with that of a server that was started again
 * @throws LamellaError with the code `disconnected` if the token is wrong or the server has ended
 */
export async function connectStudioServer(token: string, onToken?: (token: string) => void): Promise<Engine> {
  let current = token;
  const reach = () => reachServer(current);
  /** Between the pages of this server in this browser: the token of one that opens a project. */
  const pages = new BroadcastChannel('lamella-pages');
  let letGo: (() => void) | undefined;
  const pause = (tries: number, isRecording: boolean): Promise<void> => {
    if (isRecording && letGo === undefined) {
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      void navigator.locks?.request(HANDOVER, { mode: 'shared' }, () => held);
    }
    return new Promise((resolve) => {
      setTimeout(resolve, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 1.5 ** tries));
      document.addEventListener('visibilitychange', () => resolve(), { once: true });
      pages.onmessage = ({ data }) => {
        current = String(data);
        onToken?.(current);
        resolve();
      };
    });
  };
  const engine = lastingEngine(await reach(), reach, { pause });
  engine.subscribe(({ kind }) => {
    if (kind !== 'restarted') return;
    letGo?.();
    letGo = undefined;
  });
  return {
    ...engine,
    async open(id) {
      pages.postMessage(current);
      await navigator.locks
        ?.request(HANDOVER, { signal: AbortSignal.timeout(HANDOVER_MS) }, () => undefined)
        .catch(() => undefined);
      return engine.open(id);
    },
  };
}

async function reachServer(token: string): Promise<Engine> {
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
 * engine's worker ends by itself, as for want of memory, another one takes over (`restarted` event). If its program is not
 * served, every call rejects with the code `disconnected`.
 *
 * @example
 * const engine = openStudioEngine({ wasmPath: '/ort/' });
 * const { project } = await engine.create('nuclei');
 */
export function openStudioEngine(options: OpenRuntimeOptions = {}): Engine {
  const start = (): Engine => startWorker(options);
  return keepIncoming(
    lastingEngine(start(), async () => start()),
    openIncoming(),
  );
}

function startWorker(options: OpenRuntimeOptions): Engine {
  const lock = `lamella-engine-${Date.now()}-${Math.random()}`;
  // Bundlers recognise this expression and bundle the program.
  const worker = new Worker(new URL('./studio-worker.js', import.meta.url), {
    type: 'module',
    name: JSON.stringify({ ...options, lock }),
  });
  const failed = new Promise((resolve) => {
    worker.onerror = resolve;
  });
  return connect(portChannel(worker as unknown as PortLike, Promise.race([failed, endOf(lock)])));
}

const LOOK_MS = 200;

/** Resolves when the worker that holds a lock has ended, which nothing else tells. */
async function endOf(lock: string): Promise<void> {
  const { locks } = navigator;
  // Pages that are not secure have none; nor have they the storage.
  if (locks === undefined) return new Promise(() => undefined);
  while (!(await locks.query()).held?.some(({ name }) => name === lock)) {
    await new Promise((next) => setTimeout(next, LOOK_MS));
  }
  await locks.request(lock, () => undefined);
}
