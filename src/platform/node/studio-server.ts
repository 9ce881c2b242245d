/**
 * The server of `lamella studio`: the files of its page, and a WebSocket to the engine for those who know the token. It
 * talks to this machine alone.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { LamellaError, option } from '../../errors.ts';
import { createEngine } from '../../studio/create-engine.ts';
import { type AskingEngine, askingEngine } from '../../studio/hand-over.ts';
import type { StudioHost } from '../../studio/host.ts';
import { serve } from '../../studio/serve.ts';
import { SOCKET_PATH, SOCKET_PROTOCOL, type SocketLike, socketChannel } from '../../studio/socket-channel.ts';
import { placeWithin } from './confined-files.ts';
import { keepPort, readPort } from './kept-port.ts';
import { withWatchedFolder } from './watched-folder.ts';

/** This machine alone, by both versions of the protocol: `localhost` may be either. */
const ADDRESSES = ['127.0.0.1', '::1'] as const;
/** What listening on `::1` fails with where there is no IPv6. */
const NO_IPV6 = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];
/** Of one frame; a message may have several. */
const MOST_FRAME_BYTES = 64 * 2 ** 20;
const MOST_CONNECTIONS = 16;
const HEADERS_MS = 60_000;

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

/** Whatever is answered has these: the page may load from here and talk to here only, and shares memory with threads. */
const headersFor = (host: string): { readonly [name: string]: string } => ({
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    // Some browsers do not count the socket of the same host to 'self'. A policy cannot name an address of IPv6.
    `connect-src 'self'${host.startsWith('[') ? '' : ` ws://${host}`}`,
    "img-src 'self' blob: data:",
    "style-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
});

export interface StudioServerOptions {
  /** Where the engines work: each connection has its own. */
  readonly host: StudioHost;
  /** Default: that of the last server on `folder`, or if there was none or it is in use, a free one. */
  readonly port?: number;
  /** Where its port is kept, in `.studio/`, so that the next server on it can be reached by pages of this one. Default: nowhere. */
  readonly folder?: string;
  /** The folder of the built page; default: that of this package. */
  readonly page?: string;
}

export interface StudioServer {
  /** With the token, which whoever opens it needs. */
  readonly address: string;
  /** Takes what the pages still have, and ends all connections; what they recorded is written. */
  close(): Promise<void>;
}

/**
 * Serves Studio on this machine.
 * @throws LamellaError if the port is in use or the page is not built
 */
export async function startStudioServer({
  host,
  port,
  folder,
  page = fileURLToPath(new URL('../../studio/page', import.meta.url)),
}: StudioServerOptions): Promise<StudioServer> {
  if ((await fileAt(page, 'index.html')) === undefined) {
    throw new LamellaError('the page of Studio is not built.', { file: page, remedy: 'Run npm run build.' });
  }
  const runtime = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web')));
  const kept = folder === undefined ? undefined : await readPort(folder);
  const token = randomBytes(32).toString('base64url');
  const engines = new Set<AskingEngine>();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MOST_FRAME_BYTES, perMessageDeflate: false });
  const listen = (at: string, wanted: number): Promise<Server> => {
    const server = createServer({ requestTimeout: HEADERS_MS, headersTimeout: HEADERS_MS }, (request, response) => {
      answer(request, response).catch(() => refuse(response, 404));
    });
    server.on('upgrade', upgrade);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: at, port: wanted }, () => resolve(server));
    });
  };
  const listenAt = async (wanted: number) => {
    const servers: Server[] = [];
    let open = wanted;
    for (const at of ADDRESSES) {
      try {
        const server = await listen(at, open);
        servers.push(server);
        open = (server.address() as AddressInfo).port;
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException;
        if (at === '::1' && NO_IPV6.includes(code ?? '')) continue;
        for (const server of servers) server.close();
        throw new LamellaError(
          code === 'EADDRINUSE' ? `port ${open} is in use.` : `port ${open} cannot be used (${code}).`,
          { remedy: `Use another ${option('port')}, or leave it out.`, cause },
        );
      }
    }
    return { servers, open };
  };
  const isAnywhere = port === undefined && kept !== undefined;
  const { servers, open } = await listenAt(port ?? kept ?? 0).catch((cause: unknown) => {
    if (isAnywhere) return listenAt(0);
    throw cause;
  });
  if (folder !== undefined) await keepPort(folder, open);
  const hosts = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${open}`);

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const status = upgradeStatus(request);
    if (status !== 101) return void refuseUpgrade(socket, status);
    sockets.handleUpgrade(request, socket, head, (opened) => {
      opened.binaryType = 'arraybuffer';
      opened.on('error', () => opened.terminate());
      const engine = askingEngine(withWatchedFolder(createEngine(host), host), host.after);
      engines.add(engine);
      opened.on('close', () => engines.delete(engine));
      serve(engine, socketChannel(opened as unknown as SocketLike));
    });
  }

  /** The host that a request is for; undefined if it is from elsewhere, such as a page of another site. */
  function ownHost({ headers }: IncomingMessage): string | undefined {
    // Another name that leads here, which a site gave to get past the browser's rules.
    const found = hosts.find((name) => name === headers.host);
    if (found === undefined) return undefined;
    if (headers.origin !== undefined && headers.origin !== `http://${found}`) return undefined;
    const from = headers['sec-fetch-site'];
    return from === undefined || from === 'same-origin' || from === 'none' ? found : undefined;
  }

  function upgradeStatus(request: IncomingMessage): 101 | 403 | 404 | 503 {
    if (ownHost(request) === undefined) return 403;
    if (request.url !== SOCKET_PATH) return 404;
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const [protocol, given] = offered;
    if (offered.length !== 2 || protocol !== SOCKET_PROTOCOL || !isSame(given as string, token)) return 403;
    return engines.size < MOST_CONNECTIONS ? 101 : 503;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = ownHost(request);
    if (name === undefined) return refuse(response, 403);
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
    const path = pathOf(request.url ?? '');
    const inRuntime = /^ort\/(ort-[\w.-]+\.(?:wasm|mjs|js))$/.exec(path ?? '')?.[1];
    const file =
      path === undefined
        ? undefined
        : inRuntime === undefined
          ? await fileAt(page, path || 'index.html')
          : await fileAt(runtime, inRuntime);
    const type = file && TYPES[extname(file.path)];
    if (file === undefined || type === undefined) return refuse(response, 404, headersFor(name));
    response.writeHead(200, { ...headersFor(name), 'Content-Type': type, 'Content-Length': file.size });
    if (request.method === 'HEAD') return void response.end();
    createReadStream(file.path)
      .on('error', () => response.destroy())
      .pipe(response);
  }

  return {
    address: `http://${ADDRESSES[0]}:${open}/#${token}`,
    async close() {
      const stopped = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      await Promise.all([...engines].map((engine) => engine.handedOver()));
      await Promise.all([...engines].map((engine) => engine.dispose().catch(() => undefined)));
      for (const socket of sockets.clients) socket.terminate();
      for (const server of servers) server.closeAllConnections();
      await Promise.all(stopped);
    },
  };
}

/** The path of a request within the folder, without what follows it; undefined for what can be no file of the page. */
function pathOf(url: string): string | undefined {
  try {
    const path = decodeURIComponent(url.replace(/[?#].*$/s, ''));
    const isPlain = path.startsWith('/') && !/[\0\\]/.test(path) && !path.split('/').includes('..');
    return isPlain ? path.slice(1) : undefined;
  } catch {
    return undefined;
  }
}

/** A file below a folder, also by its real place; undefined if there is none. */
async function fileAt(
  folder: string,
  path: string,
): Promise<{ readonly path: string; readonly size: number } | undefined> {
  try {
    const place = await placeWithin(folder, join('.', path));
    const info = await stat(place);
    return info.isFile() ? { path: place, size: info.size } : undefined;
  } catch {
    return undefined;
  }
}

/** Compares in a time that does not depend on where two texts differ. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function refuse(response: ServerResponse, status: number, headers: { readonly [name: string]: string } = {}): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${status}\n`);
}

const REASONS = { 403: 'Forbidden', 404: 'Not Found', 503: 'Service Unavailable' } as const;

function refuseUpgrade(socket: Duplex, status: keyof typeof REASONS): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
