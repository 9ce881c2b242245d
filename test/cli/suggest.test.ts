import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writePng } from '../../src/image/formats/png/write.ts';
import { readImage } from '../../src/image/read.ts';
import type { Suggestions } from '../../src/workflows/suggest.ts';
import { phantomFolder } from '../support/phantom-folder.ts';
import { lamella } from './command.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-suggest-'));
  await phantomFolder(join(root, 'data'));
  const train = ['train', join(root, 'data'), '--network', 'filter-bank', '--steps', '30', '--out', join(root, 'run')];
  const { code, stderr } = await lamella(train);
  expect([code, stderr]).toEqual([0, '']);
});
afterAll(() => rm(root, { recursive: true }));

async function suggest(...options: readonly string[]): Promise<Suggestions> {
  const { stdout, code, stderr } = await lamella([
    'suggest',
    join(root, 'run'),
    join(root, 'data/image'),
    '--side',
    '16',
    '--json',
    ...options,
  ]);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Suggestions;
}

describe('suggest', () => {
  test('lists windows by uncertainty with every tenth at random, and objects; once these are annotated, the accuracy', async () => {
    const first = await suggest('--limit', '30', '--objects');
    expect(first.places).toHaveLength(30);
    expect(first.places.flatMap(({ random }, i) => (random ? [i + 1] : []))).toEqual([10, 20, 30]);
    expect([first.accuracy, first.notes]).toEqual([undefined, []]);
    for (const { x, y, width, height, annotated } of first.places) {
      expect([width, height, annotated]).toEqual([16, 16, 0]);
      expect(Math.min(x, y, 48 - x, 48 - y)).toBeGreaterThanOrEqual(0);
    }
    const [best] = first.places;
    const chosen = first.places.filter(({ random }) => !random).map(({ uncertainty }) => uncertainty);
    expect(best?.uncertainty).toBe(Math.max(...chosen));
    const { uncertain = [], unusual = [] } = first.objects ?? {};
    expect(uncertain.length).toBeGreaterThan(0);
    expect(uncertain.map((object) => object.uncertainty)).toEqual(
      uncertain.map((object) => object.uncertainty).toSorted((a, b) => b - a),
    );
    expect(unusual.map((object) => object.unusual)).toEqual(
      unusual.map((object) => object.unusual).toSorted((a, b) => b - a),
    );
    const page = await readFile(join(root, 'run/suggest/suggest.html'), 'utf8');
    expect(page.match(/<figure>/g)).toHaveLength(30);

    // Nothing of the random places is annotated: that is said, since an estimate was asked for.
    const blank = join(root, 'blank');
    await mkdir(blank);
    const label = await readImage(await readFile(join(root, 'data/label/0.png')), '0.png');
    await writeFile(join(blank, '0.png'), writePng({ ...label, data: new Uint8Array(label.data.length).fill(7) }));
    const none = await suggest('--labels', blank, '--ignore', '7', '--limit', '30');
    expect([none.accuracy, none.notes]).toEqual([
      undefined,
      [expect.stringMatching(/^No estimate of the accuracy yet: of the last list's 3 places at random, none/)],
    ]);

    // All is annotated now: nothing is left to suggest, and the three random windows say how good the model was.
    const second = await suggest('--labels', join(root, 'data/label'));
    expect(second.places).toEqual([]);
    expect(second.accuracy).toMatchObject({ places: 3 });
    const { value = 0, low = 0, high = 0 } = second.accuracy ?? {};
    expect(0.4 < value && low < value && value < high && high <= 1).toBe(true);
  });

  test('training on strokes ends with where to go on, on complete labels with how to predict alone', async () => {
    const strokes = join(root, 'strokes');
    await phantomFolder(strokes);
    for (const name of await readdir(join(strokes, 'label'))) {
      const file = join(strokes, 'label', name);
      const complete = await readImage(await readFile(file), file);
      // Every eighth column is painted: 1 where the label is 0, and 2.
      const data = Uint8Array.from(complete.data as Uint8Array, (v, p) => (p % 8 > 0 ? 0 : v === 0 ? 1 : 2));
      await writeFile(file, writePng({ ...complete, data }));
    }
    const next = async (data: string, ...options: readonly string[]) => {
      const out = join(root, `next-${data}`);
      const train = ['train', join(root, data), '--network', 'filter-bank', '--steps', '5', '--out', out];
      const { stdout } = await lamella([...train, ...options]);
      return stdout
        .trim()
        .split('\n')
        .flatMap((line) => (line.includes('npx lamella') ? [line.replace(out, 'RUN')] : []));
    };
    expect(await next('strokes', '--ignore', '0')).toEqual([
      'Next: npx lamella predict RUN IMAGES',
      'Where to annotate next: npx lamella suggest RUN IMAGES --labels LABELS',
    ]);
    expect(await next('data')).toEqual(['Next: npx lamella predict RUN IMAGES']);
  });

  test.each([
    [['--labels', 'missing'], 1, /missing/],
    [['--side', '4'], 2, /--side/],
  ])('refuses %s', async (options, exitCode, message) => {
    const { code, stderr } = await lamella(['suggest', join(root, 'run'), join(root, 'data/image'), ...options]);
    expect(stderr).toMatch(message);
    expect(code).toBe(exitCode);
  });
});
