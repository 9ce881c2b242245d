import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { DatasetError } from '../../src/errors.ts';
import { baseName, folderName, joinPath, readHead } from '../../src/files.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';

describe('paths', () => {
  it.each([
    [['a', 'b/c'], 'a/b/c'],
    [['.', 'a', ''], 'a'],
    [['/data/', 'a'], '/data/a'],
    [['.'], '.'],
  ])('joins %j to %s', (parts, joined) => expect(joinPath(...parts)).toBe(joined));

  it.each([
    ['a/b.png', 'b.png', 'a'],
    ['b.png', 'b.png', '.'],
    ['/b', 'b', '/'],
    ['C:\\data\\run\\', 'run', 'C:\\data'],
  ])('%s has the name %s in %s', (path, name, folder) =>
    expect([baseName(path), folderName(path)]).toEqual([name, folder]),
  );
});

describe('files in memory', () => {
  const one = Uint8Array.of(1, 2, 3);
  const files = () => memoryFiles({ 'cells/b.png': new Blob([one]), './cells/sub/a.png': one });

  it('are listed below a folder, sorted, and a file by its name', async () => {
    expect(await files().list('cells')).toEqual(['b.png', 'sub/a.png']);
    expect(await files().list('cells/sub/a.png')).toEqual(['a.png']);
    await expect(files().list('cell')).rejects.toThrow(DatasetError);
  });

  it('are read whole and by their head, blobs too', async () => {
    expect(await files().read('cells', 'b.png')).toEqual(one);
    expect(await readHead(files(), 'cells', 'b.png', 2)).toEqual(one.slice(0, 2));
    expect(await readHead(files(), 'cells', 'sub/a.png', 2)).toEqual(one.slice(0, 2));
    await expect(files().read('none.png')).rejects.toThrow('none.png: there is no such file');
  });

  it('tell files from folders', async () => {
    const kinds = ['cells', 'cells/sub/', 'cells/b.png', 'cell'].map((path) => files().kind(path));
    expect(await Promise.all(kinds)).toEqual(['folder', 'folder', 'file', undefined]);
  });

  it('keep what is written, also in a zip archive', async () => {
    const written = files();
    await written.write('out/report.html', 'µ');
    expect(await written.read('out/report.html')).toEqual(Uint8Array.of(0xc2, 0xb5));
    expect(unzipSync(await written.zip('out'))).toEqual({ 'report.html': Uint8Array.of(0xc2, 0xb5) });
  });
});
