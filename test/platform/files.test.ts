import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatasetError } from '../../src/errors.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-files-'));
  await mkdir(join(folder, 'images'));
  await writeFile(join(folder, 'images', 'a.png'), 'abc');
  await symlink(join(folder, 'images'), join(folder, 'linked'));
  await symlink(folder, join(folder, 'images', 'circle'));
  await symlink(join(folder, 'nowhere'), join(folder, 'broken'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the file system of the machine', () => {
  it('lists files at any depth, follows links, and does not run in circles', async () => {
    expect(await nodeFiles.list(folder)).toEqual(['images/a.png', 'linked/a.png']);
  });
  it('lists a file as itself', async () =>
    expect(await nodeFiles.list(join(folder, 'images/a.png'))).toEqual(['a.png']));
  it('reads below a folder and by a path alone', async () => {
    const bytes = Uint8Array.from([97, 98, 99]);
    expect(new Uint8Array(await nodeFiles.read(folder, 'images/a.png'))).toEqual(bytes);
    expect(new Uint8Array(await nodeFiles.read(join(folder, 'images/a.png')))).toEqual(bytes);
  });
  it('says what is not there', async () => {
    await expect(nodeFiles.list(join(folder, 'x'))).rejects.toThrow(DatasetError);
    await expect(nodeFiles.read(folder, 'images')).rejects.toThrow('this is a folder');
  });
});
