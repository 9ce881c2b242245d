import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Connect, defineConfig, type Plugin, type Rolldown, type UserConfig } from 'vite';
import { programModules } from './build/programs.ts';
import { staticFolder } from './build/static.ts';
import { HEADERS, POLICY } from './src/policy.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

type Piece = Rolldown.CodeSplittingGroup;

/** The public names of the package, as it is built: the page is a consumer like any other. */
const { exports, version } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const alias = Object.entries<{ readonly default?: string }>(exports)
  .filter(([, { default: file }]) => file !== undefined)
  .map(([name, { default: file }]) => ({
    find: new RegExp(`^lamella${name.slice(1)}$`),
    replacement: at(file as string),
  }));

const contentPolicy: Plugin = {
  name: 'content-policy',
  apply: 'build',
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY }, injectTo: 'head-prepend' },
  ],
};

/** What chooses the language begins at once, so that its texts are loaded beside the rest of the page and not after it. */
const textFirst: Plugin = {
  name: 'text-first',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (_, { bundle = {} }) =>
      Object.values(bundle)
        .filter(({ name, type }) => type === 'chunk' && name === 'text')
        .map(({ fileName }) => ({
          tag: 'script',
          attrs: { type: 'module', async: true, crossorigin: true, src: `./${fileName}` },
          injectTo: 'head',
        })),
  },
};

/** What is imported later has nothing to be loaded before it: without what would do that. */
const plainImports: Plugin = {
  name: 'plain-imports',
  apply: 'build',
  transform: {
    filter: { id: /vite\/preload-helper/ },
    handler: () => ({ code: 'export const __vitePreload = (load) => load();', map: null }),
  },
};

/** ONNX Runtime's WebAssembly is served from `ort/`, as whoever serves the page has it, and is no part of the build. */
const runtimeBeside: Plugin = {
  name: 'runtime-beside',
  generateBundle(_, bundle) {
    for (const name of Object.keys(bundle)) if (/ort-[^/]*\.wasm$/.test(name)) delete bundle[name];
  },
  configureServer: ({ middlewares }) => void middlewares.use('/ort', serveRuntime),
  configurePreviewServer: ({ middlewares }) => void middlewares.use('/ort', serveRuntime),
};

/**
 * Programs of workers are parts of one build with the page, so that what both use is loaded once; Vite alone would build
 * each with everything it needs.
 */
const sharedWorkers: Plugin = {
  name: 'shared-workers',
  apply: 'build',
  enforce: 'pre',
  transform(code, from) {
    const found = code.replaceAll(/new URL\('(\.\/[\w-]+-worker\.js)', import\.meta\.url\)/g, (_, path: string) => {
      const program = this.emitFile({ type: 'chunk', id: join(dirname(from), path) });
      return `import.meta.ROLLUP_FILE_URL_${program}`;
    });
    return found === code ? undefined : found;
  },
};

/** The words of the published schema are for its readers: the page only checks values by it. */
const schemaWithoutWords: Plugin = {
  name: 'schema-without-words',
  apply: 'build',
  transform: {
    filter: { id: /\/project\/schema\.js$/ },
    handler: (code) => code.replaceAll(/\bdescription: (?:'[^']*'|"[^"]*"),?/g, ''),
  },
};

/** Style sheets of reports and programs of the graphics, which are texts in the scripts, without what is for their readers. */
const withoutLayout: Plugin = {
  name: 'without-layout',
  apply: 'build',
  transform: {
    filter: { id: /report\/\w+\/style\.js$|viewer\/(?:gl|\w+-layer)\.ts$/ },
    handler(code, id) {
      const lines = code.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/\n\s*(?:\/\/.*)?(?=\n)|(?<=\n) +/g, '');
      return id.endsWith('.ts') ? lines : lines.replaceAll(/\s*([{};,])\s*/g, '$1').replaceAll(': ', ':');
    },
  },
};

const serveRuntime: Connect.NextHandleFunction = ({ url = '' }, response, next) => {
  const file = at(`node_modules/onnxruntime-web/dist/${basename(url.replace(/\?.*/, ''))}`);
  if (!existsSync(file)) return next();
  // Its threads are workers, which need what the page has.
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  response.setHeader('Content-Type', file.endsWith('.wasm') ? 'application/wasm' : 'text/javascript');
  createReadStream(file).pipe(response);
};

const page = {
  outDir: at('dist/studio/page'),
  plugins: [],
  input: { index: at('apps/studio/index.html') },
};

/** `build:static`: to be hosted as files. */
const hosted = {
  outDir: at('studio-static'),
  plugins: [
    staticFolder({
      out: at('studio-static'),
      runtime: at('node_modules/onnxruntime-web/dist'),
      zip: at(`lamella-studio-${version}.zip`),
    }),
  ],
  input: { ...page.input, sw: at('apps/studio/src/sw.ts') },
};

/**
 * Pieces that programs load whole: apart, each file would be compressed by itself and name what it takes from others. The
 * page does not load the engine, nor a sampler of batches. Whoever loads a piece runs it: none has what begins a program.
 * Readers of many files are a piece for each kind of file.
 */
async function pieces(config: UserConfig): Promise<Piece[]> {
  const modulesOf = await programModules(config);
  const [page, engine] = [modulesOf('index'), modulesOf('studio-worker')];
  const [sampler, incoming] = [modulesOf('sampler-worker'), modulesOf('incoming-worker')];
  const anywhere = modulesOf('index', { later: true });
  const results = [modulesOf('measuring'), modulesOf('exporting')];
  const isShared = (id: string): boolean => engine.has(id) && !page.has(id) && !id.endsWith('-worker.js');
  return [
    // It waits for a language: what else is in it, and is of workers, would have them miss their first messages.
    { name: 'text', test: /\/(?:text\/(?:text|language)|state\/kept)\.ts/, includeDependenciesRecursively: false },
    { name: 'shared', test: (id) => page.has(id) && engine.has(id) },
    { name: 'sampling', test: (id) => isShared(id) && sampler.has(id) },
    { name: 'incoming', test: (id) => isShared(id) && incoming.has(id) },
    { name: 'later', test: (id) => isShared(id) && anywhere.has(id) },
    { name: 'engine', test: isShared },
    // Each without what loads more than this.
    ...[
      {
        name: 'measuring',
        test: (id: string) => !engine.has(id) && !page.has(id) && results.some((part) => part.has(id)),
      },
      {
        name: 'decoding',
        test: /image\/(?:palette|formats\/(?:codecs|jpeg\/(?:header|read)|tiff\/packbits|png\/(?:read|unfilter)))\.js/,
      },
      { name: 'shapes', test: /dataset\/shapes\/(?!ilastik|segments)/ },
      { name: 'tiff', test: /image\/formats\/tiff\/(?!zstd)/ },
      { name: 'volumes', test: /image\/formats\/(?:dicom|nifti|nrrd)\// },
    ].map((piece) => ({ ...piece, includeDependenciesRecursively: false })),
  ];
}

export default defineConfig(async ({ mode, command }) => {
  const { outDir, plugins, input } = mode === 'static' ? hosted : page;
  const config = (groups: Piece[] = []): UserConfig => ({
    root: fileURLToPath(new URL('.', import.meta.url)),
    // Served from the root of a host or from a folder of it.
    base: './',
    resolve: { alias },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    plugins: [contentPolicy, textFirst, plainImports, runtimeBeside, sharedWorkers, schemaWithoutWords, withoutLayout],
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2023',
      // What is imported later is imported by workers as well, which have no document to put links into.
      modulePreload: {
        polyfill: false,
        resolveDependencies: (_, files, { hostType }) => (hostType === 'html' ? files : []),
      },
      // The engine; and a codec of JPEG 2000 has 500 kB, and is loaded when it is needed.
      chunkSizeWarningLimit: 700,
      rolldownOptions: {
        checks: { pluginTimings: false },
        input,
        // The service worker has the same name in every version.
        output: {
          entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
          codeSplitting: { groups },
          // By name, so that a test can tell what Zarr and HDF5 need from the rest.
          chunkFileNames: ({ name, moduleIds }) => {
            const isAllOf = (what: RegExp): boolean => moduleIds.length > 0 && moduleIds.every((id) => what.test(id));
            const isZarr = isAllOf(/zarrita|formats\/zarr/);
            const isHdf5 = isAllOf(/jsfive|pako|formats\/hdf5|shapes\/ilastik/);
            return `assets/${isZarr ? 'zarr' : isHdf5 ? 'hdf5' : name}-[hash].js`;
          },
        },
      },
    },
    server: { headers: HEADERS },
    preview: { headers: HEADERS },
    worker: { format: 'es' },
    optimizeDeps: { exclude: ['onnxruntime-web'] },
  });
  if (command === 'serve') return config();
  const whole = config(await pieces(config()));
  return { ...whole, plugins: [...(whole.plugins ?? []), ...plugins] };
});
