import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: one file at a time beside ONNX Runtime's own threads keeps the timings meaningful.
    fileParallelism: false,
  },
});
