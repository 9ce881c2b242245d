/** S15: data folders of the command line, opened and saved untouched, are the same data: labels, and what `inspect` says. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { type Image, page as pageOf } from 'lamella';
import { readImageFile, studioHost } from 'lamella/node';
import { createEngine, type Engine, type GivenFile } from 'lamella/studio';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataFolder, describeWithData } from '../../../test/support/data.ts';

/** Of large sets some images, the same of images and labels. */
const FOLDERS: {
  readonly [name: string]: {
    readonly from: string;
    readonly parts: readonly string[];
    readonly only?: (file: string) => boolean;
  };
} = {
  'EM slices': { from: 'isbi2012/train', parts: ['image', 'label'], only: (file) => /^[0-3]\.png$/.test(file) },
  'nuclei of several sizes': { from: 'nuclei', parts: ['images', 'labels'], only: (file) => /^0[0-2]/.test(file) },
  'cells in phase contrast': { from: 'phase', parts: ['.'], only: (file) => /^set(1|18)_/.test(file) },
  'slices of lungs': { from: 'lungs', parts: ['2d_images', '2d_masks'], only: (file) => /^ID_000[0-2]/.test(file) },
  'a volume of lungs': { from: 'lungs/3d', parts: ['.'] },
};

const bytesOf = async (content: GivenFile['content']): Promise<Uint8Array> =>
  content instanceof Uint8Array ? content : new Uint8Array(await content.arrayBuffer());

/** @returns the project's folder in it */
function unzip(archive: Uint8Array, to: string): string {
  for (const [path, bytes] of Object.entries(unzipSync(archive))) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), bytes);
  }
  return join(to, readdirSync(to)[0] as string);
}

/** The lines that tell of a project, and the rest; which value is not annotated stands in both. */
function withoutProject(said: string): { readonly project: string; readonly rest: string } {
  const [, project = '', rest = ''] = /^ {2}project: .*\n {4}(.*)\n([\s\S]*)$/.exec(said) ?? [];
  const notAnnotated = /(\d+) is not annotated/.exec(project)?.[1];
  return { project, rest: rest.replace(`; ${notAnnotated} is ignored`, '') };
}

/** What `lamella inspect` says of a folder, without the line of its name. */
const inspect = (folder: string): string =>
  execFileSync(process.execPath, ['dist/cli/main.js', 'inspect', folder], { encoding: 'utf8' })
    .split('\n')
    .slice(1)
    .join('\n');

describeWithData('S15 data folders', () => {
  let root: string;
  let engine: Engine;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'lamella-folders-'));
    engine = createEngine(studioHost(root));
  });
  afterAll(async () => {
    await engine?.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  it.each(Object.entries(FOLDERS))('%s', async (_, { from, parts, only = () => true }) => {
    const name = from.replaceAll('/', '-');
    const folder = join(root, name);
    for (const part of parts) {
      const source = join(dataFolder(), from, part);
      mkdirSync(join(folder, part), { recursive: true });
      for (const file of readdirSync(source).filter(only)) cpSync(join(source, file), join(folder, part, file));
    }
    const said = inspect(folder);
    const state = await engine.open(name);
    const { content } = await engine.export({ formats: ['project'] });
    const saved = unzip(await bytesOf(content), join(root, `${name}-saved`));
    for (const again of [folder, saved]) {
      const { project, rest } = withoutProject(inspect(again));
      expect(rest).toBe(said);
      expect(project).toMatch(new RegExp(`${state.images.length} images?, ${state.images.length} with labels$`));
    }

    const { classes = [], images } = state.project;
    for (const { id, file, labels } of images) {
      for (const path of [file, labels] as string[]) {
        expect(readFileSync(join(saved, path)).equals(readFileSync(join(folder, path)))).toBe(true);
      }
      const stored = await readImageFile(join(folder, labels as string), { palette: 'index' });
      // As the classes of the project are told apart in the file: of a mask of 0 and 255, 255 is class 1.
      const values = [...new Set(stored.data as Iterable<number>)].sort((a, b) => a - b);
      const isMask = state.project.task === 'classes' && values.length === classes.length;
      const slices = stored.axes === 'zyx' ? (stored.shape[0] as number) : 1;
      for (const slice of new Set([0, slices >> 1, slices - 1])) {
        const shown = await engine.labels(id as string, slice);
        const expected = Array.from(pageOf(stored as Image, slice).data as Iterable<number>, (value) =>
          isMask ? values.indexOf(value) : value,
        );
        expect([...(shown?.data ?? [])].filter((value, p) => value !== expected[p])).toEqual([]);
        expect(shown?.data.length).toBe(expected.length);
      }
    }
  });
});
