import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Connect, defineConfig, type Plugin } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The public names of the package, as it is built: the page is a consumer like any other. */
const { exports } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const alias = Object.entries<{ readonly default?: string }>(exports)
  .filter(([, { default: file }]) => file !== undefined)
  .map(([name, { default: file }]) => ({
    find: new RegExp(`^lamella${name.slice(1)}$`),
    replacement: at(file as string),
  }));

/** The page can talk to its own server and to nobody else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "img-src 'self' blob: data:",
  "style-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const contentPolicy: Plugin = {
  name: 'content-policy',
  apply: 'build',
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY }, injectTo: 'head-prepend' },
  ],
};

/** ONNX Runtime's WebAssembly is served from `ort/`, as whoever serves the page has it, and is no part of the build. */
const runtimeBeside: Plugin = {
  name: 'runtime-beside',
  generateBundle(_, bundle) {
    for (const name of Object.keys(bundle)) if (name.endsWith('.wasm')) delete bundle[name];
  },
  configureServer: ({ middlewares }) => void middlewares.use('/ort', serveRuntime),
  configurePreviewServer: ({ middlewares }) => void middlewares.use('/ort', serveRuntime),
};

const serveRuntime: Connect.NextHandleFunction = ({ url = '' }, response, next) => {
  const file = at(`node_modules/onnxruntime-web/dist/${basename(url.replace(/\?.*/, ''))}`);
  if (!existsSync(file)) return next();
  response.setHeader('Content-Type', file.endsWith('.wasm') ? 'application/wasm' : 'text/javascript');
  createReadStream(file).pipe(response);
};

/** The first two give a page threads. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Served from the root of a host or from a folder of it.
  base: './',
  resolve: { alias },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [contentPolicy, runtimeBeside],
  build: {
    outDir: at('dist/studio/page'),
    emptyOutDir: true,
    target: 'es2023',
    // A codec of JPEG 2000 has 500 kB, and is loaded when it is needed.
    chunkSizeWarningLimit: 700,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { headers },
  preview: { headers },
  worker: { format: 'es' },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
});
