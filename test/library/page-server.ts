/** A page built by a bundler from the installed package, served as docs/library.md says, opened in Chromium. */
import { createReadStream, existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { build } from 'vite';

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/**
 * Builds a page of these modules, one a name: `m.html` loads `m.js`.
 * @returns what the bundler warned of
 */
export async function buildPages(
  folder: string,
  modules: { readonly [name: string]: string },
  body: string,
): Promise<readonly string[]> {
  const warnings: string[] = [];
  const input: Record<string, string> = {};
  for (const [name, code] of Object.entries(modules)) {
    await writeFile(join(folder, `${name}.js`), code);
    input[name] = join(folder, `${name}.html`);
    await writeFile(
      input[name],
      `<!doctype html><meta charset="utf-8"><title>${name}</title><link rel="icon" href="data:,">` +
        `<body>${body}<script type="module" src="./${name}.js"></script></body>`,
    );
  }
  const quiet = (): void => {};
  const keep = (message: string): void => {
    // How long the bundler took, on a machine with other work, says nothing of the package.
    if (!message.includes('PLUGIN_TIMINGS')) warnings.push(message);
  };
  await build({
    root: folder,
    configFile: false,
    logLevel: 'warn',
    customLogger: {
      info: quiet,
      warn: keep,
      warnOnce: keep,
      error: keep,
      clearScreen: quiet,
      hasErrorLogged: () => false,
      hasWarned: false,
    },
    // As docs/library.md says: a worker that loads its parts when needed is a module.
    worker: { format: 'es' },
    build: {
      target: 'es2023',
      outDir: 'site',
      minify: false,
      chunkSizeWarningLimit: 10_000,
      rolldownOptions: { input },
    },
  });
  return warnings;
}

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/** The built pages with the two headers that give a page threads. Nothing but its own files is served. */
export async function serveSite(folder: string): Promise<Site> {
  const server = createServer((request, response) => {
    const path = join(folder, 'site', new URL(request.url as string, 'http://x').pathname);
    if (!existsSync(path)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
    createReadStream(path).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
