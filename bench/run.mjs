// Runs a benchmark from its TypeScript source: node bench/run.mjs step --base 32
import { runnerImport } from 'vite';

const [name, ...args] = process.argv.slice(2);
const { module } = await runnerImport(new URL(`./${name}.ts`, import.meta.url).pathname);
await module.main(args);
