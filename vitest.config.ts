import { defineConfig } from 'vitest/config';

const at = (path: string): string => new URL(path, import.meta.url).pathname;

export default defineConfig({
  // The public names, by which `packages/` imports the core, are the same modules that the tests import by path.
  resolve: {
    alias: [
      { find: /^lamella$/, replacement: at('src/index.ts') },
      { find: /^lamella\/(browser|node)$/, replacement: at('src/platform/$1/index.ts') },
      { find: 'lamella/studio/browser', replacement: at('src/platform/browser/studio-entry.ts') },
      { find: /^lamella\/(demo|explain|phantom)$/, replacement: at('packages/$1/index.ts') },
      { find: /^lamella\/(\w+)$/, replacement: at('src/entries/$1.ts') },
    ],
  },
  test: {
    // `npm run test:studio -- S07` runs what it names of the page's tests alone.
    include: [
      ...(process.env.npm_lifecycle_event === 'test:studio' ? [] : ['test/**/*.test.ts']),
      'apps/*/test/**/*.test.ts',
    ],
    // Measurements of earlier runs decide nothing here, and none are left in the user's cache folder.
    env: { LAMELLA_CACHE: '' },
    // For what hangs: how fast something is, is no reason to fail.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 240_000 } },
    // Two cores: one file at a time beside ONNX Runtime's own threads keeps the timings meaningful.
    fileParallelism: false,
  },
});
