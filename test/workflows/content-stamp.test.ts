import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { contentStamp } from '../../src/workflows/content-stamp.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'stamp-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('of a store: any file, its name, its length and both of its ends count', async () => {
  const bytes = (at?: number): Uint8Array => new Uint8Array(1e6).map((_, i) => (i === at ? 1 : 0));
  const stampOf = (files: Readonly<Record<string, Uint8Array>>) => contentStamp(memoryFiles(files), 's');
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`s/${i}`, bytes().subarray(0, 9000)]));
  const same = await stampOf({ ...many, 's/a': bytes() });
  expect(await stampOf({ ...many, 's/a': bytes() })).toEqual(same);
  const others: readonly Readonly<Record<string, Uint8Array>>[] = [
    { 's/a': bytes(0) },
    { 's/a': bytes(1e6 - 1) },
    { 's/a': bytes().subarray(1) },
    { 's/b': bytes() },
    { 's/a': bytes(), 's/50': bytes(8999).subarray(0, 9000), 's/51': bytes(3).subarray(0, 9000) },
  ];
  const found = new Set([same.content]);
  for (const other of others) found.add((await stampOf({ ...many, ...other })).content);
  expect(found.size).toBe(1 + others.length);
});

test('of a single file: pieces all over it, and when it was written', async () => {
  const path = join(folder, 'a.tif');
  const content = new Uint8Array(2e6);
  const write = (seconds: number): void => {
    writeFileSync(path, content);
    utimesSync(path, seconds, seconds);
  };
  write(1000);
  const first = await contentStamp(nodeFiles, path);
  expect(first).toEqual({ date: '1970-01-01T00:16:40.000Z', content: expect.stringMatching(/^[0-9a-f]{8}$/) });
  write(2000);
  expect(await contentStamp(nodeFiles, path)).toEqual({ ...first, date: '1970-01-01T00:33:20.000Z' });
  content.fill(1, 1e6, 1.05e6);
  write(1000);
  expect((await contentStamp(nodeFiles, path)).content).not.toBe(first.content);
});
