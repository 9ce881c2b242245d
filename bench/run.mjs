// Runs a benchmark from its TypeScript source, bundled first so that it runs as fast as the package does:
// node bench/run.mjs state cpu
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const [name, ...args] = process.argv.slice(2);
const outDir = join(root, 'node_modules/.lamella-bench');
// What a module finds from where it lies, it finds from there in the bundle, too.
const whereSourcesLie = {
  name: 'where-sources-lie',
  transform: (code, id) => code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)),
};
// A worker of the suite finds the bundle that the suite made.
if (name !== 'worker') await bundle([...new Set([name, 'worker'])]);
const { main } = await import(pathToFileURL(join(outDir, `${name}.mjs`)).href);
await main(args);

async function bundle(names) {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [whereSourcesLie],
    build: {
      ssr: true,
      outDir,
      emptyOutDir: false,
      target: 'node20',
      rollupOptions: {
        input: Object.fromEntries(names.map((entry) => [entry, join(root, `bench/${entry}.ts`)])),
        output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  });
}
