import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atomicWrite } from '../../src/platform/node/atomic-write.ts';
import { makeFolder } from '../../src/platform/node/make-folder.ts';
import { openRunFolder } from '../../src/platform/node/run-folder.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-run-folder-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function folderOf(name: string, files: readonly string[]): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  for (const file of files) {
    await mkdir(join(folder, file, '..'), { recursive: true });
    await writeFile(join(folder, file), '{}');
  }
  return folder;
}

test('a folder and those around it are made, and the outermost told', async () => {
  expect(await makeFolder(join(root, 'a', 'b', 'c'))).toBe(join(root, 'a'));
  expect(await makeFolder(join(root, 'a', 'b', 'c'))).toBeUndefined();
  expect(await readdir(join(root, 'a', 'b'))).toEqual(['c']);
  await writeFile(join(root, 'a', 'file'), '');
  await expect(makeFolder(join(root, 'a', 'file', 'b'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.skipIf(process.platform !== 'linux')(
  'below /proc nothing can be made, which is said and does not hang',
  async () => {
    await expect(openRunFolder('/proc/lamella/run', 'new')).rejects.toThrow(
      '/proc/lamella/run: its folder does not exist and cannot be created. Choose another location.',
    );
    await expect(atomicWrite('/proc/lamella/run/a', 'x')).rejects.toThrow(/cannot be created/);
  },
);

test('a run that never came to a checkpoint gives way to a new one, and nothing is left of it', async () => {
  const path = await folderOf('failed', [
    'config.json',
    'log.jsonl',
    'diverged/step-000000001.png',
    'checkpoints/.step-000000001.ckpt.12-0.tmp',
    'profile.txt',
  ]);
  const run = await openRunFolder(path, 'new');
  expect(run.replaced).toBe(true);
  expect(await readdir(path)).toEqual(['lock']);
  await run.close();
});

test.each(['checkpoints/step-000000001.ckpt', 'best.onnx'])('a run with %s does not', async (file) => {
  const path = await folderOf(`kept-${file.replace('/', '-')}`, ['config.json', file]);
  await expect(openRunFolder(path, 'new')).rejects.toThrow(`contains another run. Resume it with \`resume: ${path}\``);
  expect((await readdir(path)).sort()).toEqual(['config.json', file.split('/')[0] as string].sort());
});

test('temporary files of a process that was killed as it wrote are cleared away', async () => {
  const path = await folderOf('killed', [
    'config.json',
    'checkpoints/step-000000001.ckpt',
    'checkpoints/.step-000000002.ckpt.12-0.tmp',
    '.best.onnx.12-1.tmp',
    '.mine',
  ]);
  const run = await openRunFolder(path, 'resume');
  await run.close();
  expect((await readdir(path)).sort()).toEqual(['.mine', 'checkpoints', 'config.json']);
  expect(await readdir(join(path, 'checkpoints'))).toEqual(['step-000000001.ckpt']);
});
