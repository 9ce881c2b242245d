/** The page as a folder on a plain web server, one that knows nothing of headers. */

import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { ROOT } from '../../../test/browser/harness.ts';

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

export interface Hosted {
  /** In a folder of the host, as on many. */
  readonly url: string;
  /** What was asked for, in order. */
  readonly requests: readonly string[];
  /** Has another version there: of the files whose path matches, another text; undefined: they are gone. */
  change(path: RegExp, to: ((text: string) => string) | undefined): void;
  close(): Promise<void>;
}

/** Builds the folder and serves it. */
export async function hostStatic(): Promise<Hosted> {
  execFileSync('npx', ['vite', 'build', 'apps/studio', '--mode', 'static', '--logLevel', 'error'], { cwd: ROOT });
  const requests: string[] = [];
  const changes: (readonly [path: RegExp, to: ((text: string) => string) | undefined])[] = [];
  const server = createServer(({ url = '/' }, response) => {
    requests.push(url);
    const path = normalize(new URL(url, 'http://localhost').pathname.replace(/^\/tools\/studio\//, '/'));
    const file = join(ROOT, 'studio-static', path.endsWith('/') ? `${path}index.html` : path);
    const change = changes.findLast(([pattern]) => pattern.test(file));
    if (!url.startsWith('/tools/studio/') || !existsSync(file) || (change !== undefined && change[1] === undefined)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
    const text = change?.[1]?.(readFileSync(file, 'utf8'));
    if (text === undefined) createReadStream(file).pipe(response);
    else response.end(text);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tools/studio/`,
    requests,
    change: (path, to) => void changes.push([path, to]),
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}
