import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { atomicWrite } from '../../src/platform/node/atomic-write.ts';
import { repeatRun, type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { parseConfig } from '../../src/train/config.ts';
import { type DataLine, parseLog, type ValidationLine } from '../../src/train/log.ts';

const SMALL = { steps: 2, batch: 1, seed: 5, workers: 0, device: 'cpu', patch: [32, 32] } as const;

let root: string;
let old: string;
let added: string;
let first: string;

/** Adds pairs to a folder, numbered from `from`. */
async function addPairs(folder: string, count: number, seed: number, from = 0): Promise<string> {
  const path = join(root, folder);
  const { image, label } = phantom({ width: 48, height: 48, depth: count, cellPx: 20, seed });
  for (let z = 0; z < count; z++) {
    await atomicWrite(join(path, 'image', `${from + z}.png`), writePng(page(image, z)));
    await atomicWrite(join(path, 'label', `${from + z}.png`), writePng(page(label, z)));
  }
  return path;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-before-'));
  old = await addPairs('old', 5, 3);
  added = await addPairs('added', 2, 4);
  first = join(root, 'first');
  await trainRun(old, { ...SMALL, baseChannels: 4, depth: 2, out: first });
});
afterAll(() => rm(root, { recursive: true, force: true }));

let runs = 0;
async function continued(data: string, options: Partial<TrainRunOptions> = {}) {
  const out = join(root, `run-${runs++}`);
  const said: string[] = [];
  const warned: string[] = [];
  await trainRun(
    data,
    { ...SMALL, from: first, ...options, out },
    { say: (line) => said.push(line), warn: (line) => warned.push(line) },
  );
  const config = parseConfig(await readFile(join(out, 'config.json')), out);
  const log = parseLog(await readFile(join(out, 'log.jsonl'), 'utf8'));
  return { out, said, warned, config, log };
}

describe('train --from a run on new data', () => {
  test('rehearses the old data from their folder, holds out what was held out, and scores both side by side', async () => {
    const { out, said, config, log } = await continued(added);
    expect(config.validationImages).toEqual(['image/1.png', 'before/image/4.png']);
    expect(config.trainingImages).toHaveLength(5);
    expect(config.recipe.data.before).toEqual({
      validation: ['before/image/4.png'],
      repeated: ['image/0.png'],
      times: 4,
    });
    expect(said).toContain('data from before: 4 pages to train on, 1 held out as before');
    expect(said).toContain(
      'new data: 1 page to train on, 1 held out; 50 % of the patches are of new pages, the others rehearse old ones',
    );
    const validation = log.find((line): line is ValidationLine => line.kind === 'validation');
    const parts = validation?.parts as { readonly before: number; readonly new: number };
    expect(parts.before).toBeGreaterThan(0);
    // Dice of both is between that of each.
    expect(validation?.score).toBeGreaterThanOrEqual(Math.min(parts.before, parts.new));
    expect(validation?.score).toBeLessThanOrEqual(Math.max(parts.before, parts.new));
    expect(said.some((line) => /scores 0\.\d+ on images held out before, 0\.\d+ on new ones/.test(line))).toBe(true);
    expect(log.find((line): line is DataLine => line.kind === 'data')?.added).toEqual(['image/0.png']);

    const again = join(root, 'again');
    await repeatRun(config, { out: again, workers: 0, device: 'cpu' });
    const checkpoint = (run: string) => readFile(join(run, 'checkpoints', 'step-000000002.ckpt'));
    expect(await checkpoint(again)).toEqual(await checkpoint(out));
  });

  test('new labels in the same folder are told from the old ones by the record of the run', async () => {
    await addPairs('old', 2, 8, 5);
    const { config, said } = await continued(old);
    expect(config.validationImages).toContain('image/4.png');
    expect(config.recipe.data.before?.repeated).toHaveLength(1);
    expect(said).toContain('data from before: 4 pages to train on, 1 held out as before');
    // The two new ones are one stack, of which the last is held out.
    expect(config.validationImages).toEqual(['image/4.png', 'image/6.png']);
  });

  test('data of other classes are trained on alone', async () => {
    const { said, config } = await continued(added, { classes: ['outside', 'inside'] });
    expect(said).toContain('old data are not rehearsed: the new ones have other classes or channels');
    expect(config.before).toBeUndefined();
    expect(config.trainingImages).toEqual(['image/0.png']);
  });

  test('so are those of the same classes in another order, whose rows are kept', async () => {
    const { said, config } = await continued(added, { classes: ['foreground', 'background'] });
    expect(said).toContain('old data are not rehearsed: the new ones have other classes or channels');
    expect(config.before).toBeUndefined();
    expect(config.recipe.start?.rows).toEqual([1, 0]);
  });

  test('old data that are gone are not rehearsed, which is said', async () => {
    await rm(old, { recursive: true });
    const { config, warned } = await continued(added);
    expect(warned).toEqual([expect.stringMatching(/^Old data are not rehearsed: .*old: /)]);
    expect(config.before).toBeUndefined();
    expect(config.trainingImages).toEqual(['image/0.png']);
  });
});

describe('regions of a project that a run held out', () => {
  const regions = [
    [0, 0, 24, 24],
    [24, 0, 24, 24],
    [0, 24, 24, 24],
    [24, 24, 24, 24],
  ].map((box, i) => ({ id: i + 1, box, slice: 0, complete: true, origin: 'painted', held: false }));
  let project: string;
  const describeProject = (held: readonly number[]) =>
    atomicWrite(
      join(project, 'lamella.json'),
      new TextEncoder().encode(
        JSON.stringify({
          version: 1,
          name: 'cells',
          task: 'classes',
          classes: [
            { name: 'outside', value: 0 },
            { name: 'inside', value: 1 },
          ],
          notAnnotated: 255,
          images: [
            {
              id: 'a',
              file: 'images/a.png',
              labels: 'labels/a.png',
              use: 'train',
              regions: regions.map((region) => ({ ...region, held: held.includes(region.id) })),
            },
          ],
        }),
      ),
    );
  const ids = (of: { readonly [page: string]: readonly { readonly id: number }[] } = {}) =>
    Object.values(of).flatMap((own) => own.map(({ id }) => id));

  beforeAll(async () => {
    project = join(root, 'project');
    const { image, label } = phantom({ width: 48, height: 48, depth: 1, cellPx: 20, seed: 3 });
    const inside = page(label, 0);
    await atomicWrite(join(project, 'images', 'a.png'), writePng(page(image, 0)));
    await atomicWrite(
      join(project, 'labels', 'a.png'),
      writePng({ ...inside, data: Uint8Array.from(inside.data as Uint8Array, (value) => Math.min(1, value)) }),
    );
  });

  test('is held out again by a run that trains on, and what was trained on is not scored', async () => {
    await describeProject([]);
    const begun = join(root, 'begun');
    await trainRun(project, { ...SMALL, baseChannels: 4, depth: 2, out: begun });
    const before = parseConfig(await readFile(join(begun, 'config.json')), begun);
    const held = ids(before.validationRegions);
    expect(held).toHaveLength(1);
    const trained = regions.map(({ id }) => id).filter((id) => !held.includes(id));
    expect(ids(before.trainingRegions)).toEqual(trained);

    // Another seed would hold out others.
    for (const seed of [1, 2, 3]) {
      const { config } = await continued(project, { from: begun, seed });
      expect(config.validationRegions).toEqual(before.validationRegions);
      expect(config.trainingRegions).toEqual(before.trainingRegions);
    }

    await describeProject([trained[0] as number]);
    const { config, said } = await continued(project, { from: begun });
    expect(ids(config.validationRegions)).toEqual(held);
    expect(said).toContain(
      `held-out regions that the model was trained on are not scored: ${trained[0]} of images/a.png`,
    );
    expect(ids(config.trainingRegions)).toEqual(trained);
    const { config: anew } = await continued(project, { from: undefined, baseChannels: 4, depth: 2 });
    expect(ids(anew.validationRegions)).toEqual([trained[0]]);
  });
});
