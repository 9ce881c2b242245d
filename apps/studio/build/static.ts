/** The page as a folder that any web server can host, and a zip of it: with ONNX Runtime and a service worker. */

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { zipSync } from 'fflate';
import type { Plugin } from 'vite';
import { HEADERS } from '../src/policy.ts';
import { runtimeFiles } from '../src/runtime-files.ts';

/** The service worker's list of files is filled in here, when their names are known. */
const LIST = '%FILES%';

interface Folders {
  readonly out: string;
  readonly runtime: string;
  readonly zip: string;
}

export function staticFolder({ out, runtime, zip }: Folders): Plugin {
  return {
    name: 'static-folder',
    apply: 'build',
    generateBundle(_, bundle) {
      const worker = bundle['sw.js'];
      if (worker?.type !== 'chunk' || !worker.code.includes(LIST)) throw new Error('There is no service worker.');
      const files = Object.keys(bundle).filter((name) => name !== 'sw.js' && name !== 'index.html');
      worker.code = worker.code.replace(LIST, ['./', 'icon.svg', ...files].join('|'));
    },
    closeBundle() {
      mkdirSync(join(out, 'ort'), { recursive: true });
      // In its WASM and its WebGPU form.
      for (const file of runtimeFiles('webgpu')) copyFileSync(join(runtime, basename(file)), join(out, file));
      const lines = Object.entries(HEADERS);
      writeFileSync(join(out, '_headers'), `/*\n${lines.map(([name, value]) => `  ${name}: ${value}\n`).join('')}`);
      writeFileSync(
        join(out, '.htaccess'),
        [
          'AddType application/wasm .wasm',
          '<IfModule mod_headers.c>',
          ...lines.map(([name, value]) => `  Header always set ${name} "${value}"`),
          '</IfModule>',
          '',
        ].join('\n'),
      );
      writeFileSync(zip, zipSync(filesBelow(out)));
    },
  };
}

function filesBelow(folder: string): Record<string, Uint8Array> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length + 1).replaceAll('\\', '/'), new Uint8Array(readFileSync(path))];
    }),
  );
}
