/** Runs of folds from the command line: shared time, one model of all, what can go wrong. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readImage } from '../../src/image/read.ts';
import { lamella } from './command.ts';

const SMALL = ['--base', '4', '--depth', '1', '--patch', '32', '--batch', '1', '--workers', '0', '--device', 'cpu'];
const NAMES = ['ash', 'birch', 'cedar', 'elm', 'fir', 'gum', 'holly', 'ivy'];
const SIDE = 48;
let cwd = '';

/** Bright squares on noise; images of the first `empty` names have none. */
async function squares(folder: string, { empty = 0, names = NAMES, shift = 0 } = {}): Promise<void> {
  for (const part of ['image', 'label']) await mkdir(join(cwd, folder, part), { recursive: true });
  for (const [i, name] of names.entries()) {
    const inside = (p: number): boolean => {
      const [y, x] = [Math.floor(p / SIDE), p % SIDE];
      return i >= empty && y >= 8 + i && y < 28 + i && x >= 12 + shift && x < 30 + shift;
    };
    const make = (value: (p: number) => number): Image =>
      ({
        ...ndarray(
          'uint8',
          [SIDE, SIDE],
          Uint8Array.from({ length: SIDE * SIDE }, (_, p) => value(p)),
        ),
        axes: 'yx',
        spacing: {},
      }) as unknown as Image;
    const noise = (p: number): number => (p * 7919 + i * 104_729) % 40;
    await writeFile(join(cwd, folder, 'image', `${name}.png`), writePng(make((p) => noise(p) + (inside(p) ? 160 : 0))));
    await writeFile(join(cwd, folder, 'label', `${name}.png`), writePng(make((p) => (inside(p) ? 255 : 0))));
  }
}

const run = (args: readonly string[], options: Parameters<typeof lamella>[1] = {}) =>
  lamella(args, { cwd, ...options });
const train = (...args: string[]) => run(['train', ...args, ...SMALL]);
const recordOf = async (folder: string) => JSON.parse(await readFile(join(cwd, folder, 'folds.json'), 'utf8'));

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'lamella-folds-'));
  await squares('data');
  await squares('empty', { empty: 2 });
  await squares('few', { names: NAMES.slice(0, 2) });
  await squares('other', { names: ['kauri', 'larch', 'maple'], shift: 3 });
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

async function floats(folder: string): Promise<Float32Array> {
  const image = await readImage(await readFile(join(cwd, folder, 'probability', 'ash.tif')), 'ash.tif');
  return Float32Array.from(image.data as Float32Array);
}

test('folds become one model, whose prediction is the mean of theirs', { timeout: 240_000 }, async () => {
  const trained = await train('data', '--folds', '3', '--steps', '150', '--lr', '0.02', '--out', 'run');
  expect([trained.code, trained.stderr]).toEqual([0, '']);
  expect(trained.stdout).toMatch(
    /\n--- all folds ---\n3 folds: 0\.\d{4}, 0\.\d{4}, 0\.\d{4}; mean 0\.\d{4}\ncross-validation: Dice 0\.\d{4} \(95 % interval 0\.\d{4} to [01]\.\d{4}\), bootstrap over 8 images, each predicted by the fold that held it out\n/,
  );
  expect(trained.stdout).toContain('\nmodel: run/ensemble.onnx, the mean of 3 networks\n');
  const { result, finished } = await recordOf('run');
  expect(finished.map(({ fold }: { fold: number }) => fold)).toEqual([0, 1, 2]);
  const report = await readFile(join(cwd, 'run', 'report.html'), 'utf8');
  for (const line of result.lines) expect(report).toContain(line);

  // With what was chosen left out, which the mean of the folds has not.
  const whole = await run([
    'predict',
    'run',
    'data/image',
    '--out',
    'whole',
    '--probability',
    'float',
    '--device',
    'cpu',
  ]);
  expect([whole.code, whole.stderr]).toEqual([0, '']);
  expect(whole.stdout).toContain('note: The model is the mean of 3 networks, one for each fold.');
  const folds = [0, 1, 2].map((fold) => `run/fold-${fold}`);
  expect(
    (await run(['predict', ...folds, 'data/image', '--out', 'mean', '--probability', 'float', '--device', 'cpu'])).code,
  ).toBe(0);
  const [one, mean] = [await floats('whole'), await floats('mean')];
  expect(one.length).toBe(SIDE * SIDE);
  // Probabilities are summed in float32 in another order.
  expect(Math.max(...one.map((p, i) => Math.abs(p - (mean[i] as number))))).toBeLessThan(1e-6);

  const inspected = await run(['inspect', 'run']);
  expect(inspected.stdout).toMatch(/^run\n {2}run of 3 folds, 3 of them finished\n[\s\S]*cross-validation: Dice/);
  const scored = await run(['report', 'run']);
  expect([scored.code, scored.stderr]).toEqual([
    1,
    'lamella: run: this is a run of folds: its report is run/report.html, and each fold has its own. Use one of them, such as run/fold-0.\n',
  ]);
  const evaluated = await run(['evaluate', 'whole', 'data/label']);
  expect([evaluated.code, evaluated.stderr]).toEqual([0, '']);
  const packed = await run(['export', 'run']);
  expect([packed.code, packed.stderr]).toEqual([0, '']);
  expect(packed.stdout).toContain('package: run/bioimageio.zip');
  const explained = await run(['explain', 'run', 'data/image/ash.png', '--out', 'explained.html']);
  expect([explained.code, explained.stderr]).toEqual([0, '']);
  expect(explained.stdout).toMatch(/\n(\d+) of \1 checks passed\n/);

  const last = await run(['predict', 'run', 'data/image', '--checkpoint', 'last', '--out', 'last']);
  expect([last.code, last.stderr]).toEqual([
    1,
    'lamella: run: there is no model here: neither best.onnx nor last.onnx. Use a run that has reached its first validation, or an ONNX file.\n',
  ]);
  const more = await train('data', '--from', 'run', '--steps', '1', '--out', 'more');
  expect(more.stderr).toBe(
    'lamella: run: this is a run of folds: the mean of several networks is not trained on. Use one of them, such as run/fold-0.\n',
  );
  for (const command of [
    ['predict', 'run', 'data/image', '--precision', 'int8'],
    ['export', 'run', '--int8'],
  ]) {
    expect((await run(command)).stderr).toBe(
      'lamella: run: this is a run of folds: the mean of several networks is not made in 8 bits. Use one of them, such as run/fold-0.\n',
    );
  }

  // Its networks have seen all images between them.
  const compared = await run(['compare', 'run', 'run/fold-0']);
  expect([compared.code, compared.stderr]).toEqual([
    2,
    'lamella: run/ensemble.onnx: this is the mean of the networks of folds, which together were trained on all of its images. Provide other images with ground truth as --data, or compare one of the folds, such as run/fold-0.\n',
  ]);
  const onOwn = await run(['compare', 'run', 'run/fold-0', '--data', 'data']);
  expect([onOwn.code, onOwn.stderr]).toEqual([
    1,
    'lamella: data: all 8 images were used to train one of the runs. Use images that none was trained on.\n',
  ]);
  const other = await run(['compare', 'run', 'run/fold-0', '--data', 'other', '--out', 'compare.html']);
  expect(other.code).toBe(0);
  expect(other.stdout).not.toContain('is no run');
  expect(await readFile(join(cwd, 'compare.html'), 'utf8')).toContain('the mean of the networks of folds');
  const suggested = await run(['suggest', 'run', 'other/image']);
  expect([suggested.code, suggested.stderr]).toEqual([0, '']);
  expect(suggested.stdout).toContain('model: run/ensemble.onnx');

  // A fold without a model is left out, and the command fails.
  const record = await recordOf('run');
  record.finished[1].failed = 'the loss is not finite.';
  await writeFile(join(cwd, 'run', 'folds.json'), JSON.stringify(record));
  const again = await run(['train', '--resume', 'run']);
  expect(again.code).toBe(1);
  expect(again.stdout).toContain('--- fold 0 of 3: done before ---');
  expect(again.stdout).toContain('model: run/ensemble.onnx, the mean of 2 networks');
  expect(again.stderr).toBe(
    'lamella: run: fold-1 of 3 folds failed; the model is the mean of the other 2. Train again with a lower learning rate for a model of all.\n',
  );
  const line =
    'fold-1 is no part of the model, and what it held out is in no score, since it failed: the loss is not finite.';
  expect(again.stdout).toContain('--- fold 1 of 3: failed before ---');
  expect(again.stdout).toContain(line);
  expect(await readFile(join(cwd, 'run', 'report.html'), 'utf8')).toContain(line);
});

test('the time is shared among folds, and what is stopped goes on with its share', { timeout: 240_000 }, async () => {
  const minutes = ['--folds', '2', '--minutes', '0.5', '--out', 'timed'];
  const stopped = await run(['train', 'data', ...minutes, ...SMALL], {
    onStdout: (text, kill) => {
      if (/--- fold 1 of 2[\s\S]*\nstep 1\//.test(text)) kill('SIGINT');
    },
  });
  // Half of what is left after a twentieth for scoring both.
  expect(stopped.stdout).toContain('--- fold 0 of 2: 0.24 of 0.5 min ---');
  const { finished } = await recordOf('timed');
  expect(finished).toHaveLength(1);
  expect(finished[0].minutes).toBeLessThan(0.4);
  const resumed = await run(['train', '--resume', 'timed']);
  expect([resumed.code, resumed.stderr]).toEqual([0, '']);
  expect(resumed.stdout).toContain('--- fold 0 of 2: done before ---');
  expect(resumed.stdout).toMatch(/--- fold 1 of 2: 0\.\d\d of 0\.5 min ---/);
  const config = JSON.parse(await readFile(join(cwd, 'timed', 'fold-1', 'config.json'), 'utf8'));
  // What fold 0 left, less what scoring both takes.
  expect(config.minutes).toBeLessThanOrEqual(0.5 - finished[0].minutes);
  expect(config.minutes).toBeGreaterThan(0.5 - finished[0].minutes - 0.1);
  const other = await train('data', '--folds', '3', '--resume', '--out', 'timed', '--steps', '1');
  expect(other.stderr).toBe('lamella: timed: this run has 2 folds, not 3. Use --folds 2, or another --out.\n');
  const anew = await train('data', ...minutes);
  expect(anew.stderr).toBe(
    'lamella: timed: this folder contains another run. Resume it with --resume timed, or use another --out.\n',
  );
});

test('a fold without objects has no score of its own, and its images count in that of all', {
  timeout: 120_000,
}, async () => {
  const trained = await train('empty', '--folds', '8', '--steps', '3', '--out', 'blank');
  expect([trained.code, trained.stderr.replace(/lamella: No validation scored above 0.*\n/g, '')]).toEqual([0, '']);
  expect(trained.stdout).toMatch(/\n8 folds: .*none.*; mean of 6 /);
  expect(trained.stdout).toMatch(/bootstrap over 8 images/);
});

test('more folds than images are refused, and nothing is left behind', async () => {
  const { code, stderr } = await train('few', '--folds', '5', '--steps', '1', '--out', 'none');
  expect([code, stderr]).toEqual([2, 'lamella: 5 folds do not fit 2 pages. Use 2 to 2.\n']);
  expect(await readdir(cwd)).not.toContain('none');
});

test('folds of single pixels are trained, and the way to their mean is said', { timeout: 120_000 }, async () => {
  const trained = await run([
    'train',
    'data',
    '--folds',
    '2',
    '--network',
    'n1',
    '--steps',
    '2',
    '--workers',
    '0',
    '--out',
    'pixels',
  ]);
  expect([trained.code, trained.stderr]).toEqual([0, '']);
  expect(trained.stdout).toContain(
    'networks of single pixels (n1) are not joined. Name the runs of the folds one after the other: predict takes their mean.',
  );
  expect(trained.stdout).toMatch(/\nNext: npx lamella predict pixels\/fold-0 pixels\/fold-1 IMAGES\n$/);
  expect((await run(['compare', 'pixels', 'pixels/fold-0', '--data', 'other'])).stderr).toBe(
    'lamella: pixels: this is a run of folds that have no model of all. Compare one of the folds, such as pixels/fold-0.\n',
  );
});
