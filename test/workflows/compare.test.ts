import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeExplanation } from '../../packages/explain/write-explanation.ts';
import { float32 } from '../../src/array/ndarray.ts';
import { DatasetError, RunError, UsageError } from '../../src/errors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { descriptionEntry } from '../../src/models/described.ts';
import { openEnergyMeter } from '../../src/platform/node/energy.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { trainRun } from '../../src/platform/node/train-run.ts';
import { DIVIDED_BY_255 } from '../../src/predict/foreign.ts';
import type { Comparison } from '../../src/report/compare/comparison.ts';
import type { RunConfig } from '../../src/train/config.ts';
import { writeComparison } from '../../src/workflows/compare.ts';
import { writeReport } from '../../src/workflows/report.ts';
import { phantomFolder } from '../support/phantom-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-compare-runs-'));
const at = (...names: string[]): string => join(root, ...names);
const data = at('data');
const common = { device: 'cpu', workers: 0, patch: [32, 32], depth: 1, batch: 2 } as const;

beforeAll(async () => {
  await phantomFolder(data, { slices: 7, side: 64, seed: 3 });
  const split = { names: ['4', '5', '6'] };
  await trainRun(data, { ...common, out: at('runs', 'small'), baseChannels: 2, steps: 6, split });
  await trainRun(data, { ...common, out: at('runs', 'large'), baseChannels: 8, steps: 12, split });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const compare = (...folders: string[]) =>
  writeComparison(nodeHost, folders, { out: at('compare.html'), device: 'cpu', resamples: 500 });

/** A copy of a run with another configuration. */
function changed(name: string, change: (config: RunConfig) => unknown): string {
  const folder = at('runs', name);
  cpSync(at('runs', 'large'), folder, { recursive: true });
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as RunConfig;
  writeFileSync(join(folder, 'config.json'), JSON.stringify(change(config)));
  return folder;
}

describe('two runs on the images that both held out', () => {
  test('scores are those of their reports; costs are counted; the page stands alone', async () => {
    const { file, comparison } = await compare(at('runs', 'small'), at('runs', 'large'));
    expect(comparison.images).toEqual(['4.png', '5.png', '6.png']);
    for (const run of comparison.runs) {
      const { data: report } = await writeReport(nodeHost, at('runs', run.name), {
        device: 'cpu',
        out: at(`${run.name}.html`),
      });
      const headline = Number(report.headline[0]?.value);
      expect(comparison.metric).toBe(report.headline[0]?.label);
      // The report prints four digits.
      expect(run.score.value).toBeCloseTo(headline, 3);
      expect(run.perImage).toHaveLength(3);
      expect(run.predictionMs).toBeGreaterThan(0);
      expect(run.trainingMs).toBeGreaterThan(0);
    }
    const [small, large] = ['small', 'large'].map((name) => comparison.runs.find((run) => run.name === name));
    expect(large?.parameters).toBeGreaterThan(5 * (small?.parameters ?? 0));
    expect(large?.macs).toBeGreaterThan(5 * (small?.macs ?? 0));
    expect([small?.steps, large?.steps]).toEqual([6, 12]);
    expect(comparison.pairs[0]?.verdict).toBe('undecided');
    expect(comparison.notes.join(' ')).toContain('With 3 images');
    const page = readFileSync(file, 'utf8');
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(page).toContain('npx lamella compare');
  });

  test('the same training with another seed is grouped with it', async () => {
    const seeded = changed('seeded', (config) => ({ ...config, recipe: { ...config.recipe, seed: 7 } }));
    const { file, comparison } = await compare(at('runs', 'small'), at('runs', 'large'), seeded);
    expect(comparison.seeds.map(({ runs }) => runs.map((place) => comparison.runs[place]?.seed).sort())).toEqual([
      [0, 7],
    ]);
    expect(readFileSync(file, 'utf8')).toContain('The same training with different random seeds');
  });

  test('a run that held out other images is compared on those in common, and that is said', async () => {
    const other = changed('other', (config) => ({ ...config, validationImages: config.validationImages.slice(1) }));
    const { comparison } = await compare(at('runs', 'small'), other);
    expect(comparison.images).toEqual(['5.png', '6.png']);
    expect(comparison.notes[0]).toContain('they are compared on the 2 that all held out');
  });

  test('on other images: those that a run was trained on are left out', async () => {
    const { comparison } = await writeComparison(nodeHost, [at('runs', 'small'), at('runs', 'large')], {
      out: at('other.html'),
      device: 'cpu',
      resamples: 500,
      data,
    });
    expect(comparison.images).toHaveLength(3);
    expect(comparison.notes[0]).toContain('4 images of');
    expect(comparison.notes[0]).toContain('a run was trained on them');
  });
});

describe('what cannot be compared is refused', () => {
  test('one run, one run twice, a folder that is none', async () => {
    await expect(compare(at('runs', 'small'))).rejects.toThrow(UsageError);
    await expect(compare(at('runs', 'small'), `${at('runs', 'small')}/`)).rejects.toThrow(/this run is listed twice/);
    await expect(compare(at('runs', 'small'), data)).rejects.toThrow(/this folder contains no run/);
  });
  test('a damaged configuration, a damaged model, no model', async () => {
    const broken = changed('broken', (config) => config);
    writeFileSync(join(broken, 'config.json'), '{"version": 1,');
    await expect(compare(at('runs', 'small'), broken)).rejects.toThrow(/config.json: this is not JSON/);
    const cut = changed('cut', (config) => config);
    writeFileSync(join(cut, 'best.onnx'), readFileSync(join(cut, 'best.onnx')).subarray(0, 900));
    await expect(compare(at('runs', 'small'), cut)).rejects.toThrow(/cut.best.onnx.*cut off/);
    const empty = changed('empty', (config) => config);
    rmSync(join(empty, 'best.onnx'));
    rmSync(join(empty, 'last.onnx'));
    await expect(compare(at('runs', 'small'), empty)).rejects.toThrow(/has no model yet/);
  });
  test('no held-out image in common, none held out at all, images that are gone', async () => {
    const swapped = changed('swapped', (config) => ({
      ...config,
      validationImages: config.trainingImages.slice(0, 2),
    }));
    await expect(compare(at('runs', 'small'), swapped)).rejects.toThrow(/held out no image in common.*`data`/);
    const none = changed('none', (config) => ({ ...config, validationImages: [] }));
    await expect(compare(at('runs', 'small'), none)).rejects.toThrow(RunError);
    const gone = changed('gone', (config) => ({ ...config, validationImages: ['image/99.png'] }));
    await expect(compare(at('runs', 'small'), gone)).rejects.toThrow(/"image\/99.png" of the run is no longer in/);
    const trained = at('trained');
    for (const part of ['image', 'label']) {
      mkdirSync(join(trained, part), { recursive: true });
      for (const name of ['0.png', '1.png']) cpSync(join(data, part, name), join(trained, part, name));
    }
    const onTrained = writeComparison(nodeHost, [at('runs', 'small'), at('runs', 'large')], {
      out: at('t.html'),
      device: 'cpu',
      data: trained,
    });
    await expect(onTrained).rejects.toThrow(DatasetError);
    await expect(onTrained).rejects.toThrow(/all 2 images were used to train one of the runs/);
  });
  test('other classes, another task', async () => {
    const renamed = changed('renamed', (config) => ({
      ...config,
      recipe: {
        ...config.recipe,
        labels: {
          ...config.recipe.labels,
          classes: config.recipe.labels.classes.map((c, i) => ({ ...c, name: `other ${i}` })),
        },
      },
    }));
    await expect(compare(at('runs', 'small'), renamed)).rejects.toThrow(/renamed other 0, other 1/);
    const whole = changed('whole', (config) => ({
      ...config,
      recipe: { ...config.recipe, model: { name: 'mlp', channels: 1, numClasses: 2, input: [64, 64] } },
    }));
    await expect(compare(at('runs', 'small'), whole)).rejects.toThrow(/small segments images, whole classifies images/);
  });
});

describe('explaining a run', () => {
  test('writes a page on which all numbers agree', async () => {
    const image = join(data, 'image', '5.png');
    const { file, explanation } = await writeExplanation(nodeHost, at('runs', 'large'), image, {
      out: at('explain.html'),
      device: 'cpu',
      at: { x: 20, y: 33 },
    });
    expect(explanation.checks.filter(({ passed }) => !passed)).toEqual([]);
    const page = readFileSync(file, 'utf8');
    expect(page).toContain('5.png');
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(page).not.toContain('class="bad"');
  });
  test('what the reader and the model have to say of the image', async () => {
    const side = 64;
    const image = at('scan.nrrd');
    const header = `NRRD0004\ntype: uint8\ndimension: 3\nsizes: 3 ${side} ${side}\nkinds: RGB-color domain domain\nspacings: nan 0.5 0.5\nencoding: raw\n\n`;
    const pixels = Uint8Array.from({ length: 3 * side ** 2 }, (_, i) => (i * 37) % 251);
    writeFileSync(image, Buffer.concat([Buffer.from(header), pixels]));
    const { file, explanation } = await writeExplanation(nodeHost, at('runs', 'large'), image, {
      out: at('scan.html'),
      device: 'cpu',
    });
    expect(explanation.notes).toEqual([
      `${image}: The voxel size has no unit and is ignored.`,
      `${image}: Colour converted to grey by 0.299, 0.587, 0.114.`,
    ]);
    const page = readFileSync(file, 'utf8');
    for (const note of explanation.notes) expect(page).toContain(note);
  });
  test('a page of a stack that is not there', async () => {
    const image = join(data, 'image', '5.png');
    const wrong = writeExplanation(nodeHost, at('runs', 'large'), image, {
      out: at('none.html'),
      device: 'cpu',
      page: 4,
    });
    await expect(wrong).rejects.toThrow(/5.png: page 4 does not exist; the image has 1. Use `page: 0`./);
  });
});

describe('energy', () => {
  test('packages are added, their parts are not, and a counter that runs over goes on', async () => {
    const folder = at('powercap');
    const set = (name: string, microjoules: number): void => {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, 'max_energy_range_uj'), '10000000\n');
      writeFileSync(join(folder, name, 'energy_uj'), `${microjoules}\n`);
    };
    set('intel-rapl:0', 9_000_000);
    set('intel-rapl:1', 1_000_000);
    set('intel-rapl:0:0', 5);
    const meter = await openEnergyMeter(folder);
    expect(await meter?.joules()).toBe(0);
    set('intel-rapl:0', 500_000);
    set('intel-rapl:1', 1_250_000);
    set('intel-rapl:0:0', 4_000_000);
    expect(await meter?.joules()).toBeCloseTo(1.5 + 0.25, 9);
  });
  test('a machine that does not tell has no meter', async () => {
    expect(await openEnergyMeter(at('nowhere'))).toBeUndefined();
  });
});

describe('networks that are no runs', () => {
  const file = (name: string): string => at(`${name}.onnx`);
  const on = (models: readonly string[], options: { readonly output?: string; readonly data?: string } = {}) =>
    writeComparison(nodeHost, models, { out: at('files.html'), device: 'cpu', resamples: 200, data, ...options });

  /** A network of one layer for each output, of these kernels; `metadata` as a package writes it. */
  function network(name: string, outputs: Readonly<Record<string, readonly number[]>>, classes?: readonly string[]) {
    const b = new GraphBuilder(name);
    const x = b.input('x', 'float32', [1, 1, 64, 64]);
    const made = Object.entries(outputs).map(([output, weights]) =>
      b.output(b.op('Conv', [x, b.constant(float32([weights.length, 1, 1, 1], weights))]), output),
    );
    const symbols = new Map<string, readonly (number | string)[]>([
      ['x', ['n', 1, 'h', 'w']],
      ...made.map((value) => [value.name, ['n', value.shape[1] as number, 'h', 'w']] as const),
    ]);
    const input = { channels: { mode: 'grey', count: 1 }, normalisation: { ...DIVIDED_BY_255, numbers: [[128, 255]] } };
    const described = {
      ...{ name, input: JSON.parse(JSON.stringify(input)), notes: [] },
      classes: Object.fromEntries(Object.keys(outputs).map((output) => [output, classes ?? []])),
    };
    const metadata = classes === undefined ? {} : descriptionEntry(described);
    writeFileSync(file(name), writeOnnx({ ...b.build(made), symbols }, { metadata }));
    return file(name);
  }
  const small = at('runs', 'small');
  const perImageOf = ({ runs }: Comparison) => new Map(runs.map(({ name, perImage }) => [name, perImage]));

  test('beside a run, and by themselves; of several outputs the one that is asked for', async () => {
    const [bright, dark] = [
      [-4, 4],
      [4, -4],
    ] as const;
    network('bright', { scores: bright });
    network('dark', { scores: dark });
    network('both', { light: bright, shade: dark });
    const scores = async (models: readonly string[], output?: string) => {
      const { comparison } = await on(models, output === undefined ? {} : { output });
      return { ...comparison, of: perImageOf(comparison) };
    };
    const single = await scores([small, file('bright'), file('dark')]);
    expect(single.of.get('bright.onnx')).toHaveLength(3);
    expect(single.of.get('bright.onnx')).not.toEqual(single.of.get('dark.onnx'));
    expect(single.notes.join(' ')).toMatch(/Whether bright\.onnx was trained on some of these images is unk/);
    expect(single.notes.join(' ')).toMatch(/bright\.onnx: Pixel values are divided by 255/);
    expect((await scores([small, file('both')], 'light')).of.get('both.onnx')).toEqual(single.of.get('bright.onnx'));
    expect((await scores([small, file('both')], 'shade')).of.get('both.onnx')).toEqual(single.of.get('dark.onnx'));
    // Of those without that output the only map is taken.
    const mixed = await scores([small, file('dark'), file('both')], 'light');
    expect([mixed.of.get('dark.onnx'), mixed.of.get('both.onnx')]).toEqual([
      single.of.get('dark.onnx'),
      single.of.get('bright.onnx'),
    ]);
    // Without a run all images count, and the classes are those of the data.
    const held = at('held');
    for (const part of ['image', 'label']) {
      mkdirSync(join(held, part), { recursive: true });
      for (const name of ['4.png', '5.png', '6.png']) cpSync(join(data, part, name), join(held, part, name));
    }
    const alone = await on([file('bright'), file('dark')], { data: held });
    expect(alone.comparison.metric).toBe(single.metric);
    const ofAlone = perImageOf(alone.comparison);
    expect(ofAlone.get('bright.onnx')).toEqual(single.of.get('bright.onnx'));
    expect(ofAlone.get('dark.onnx')).toEqual(single.of.get('dark.onnx'));
    const page = readFileSync(at('files.html'), 'utf8');
    expect(page).toContain(`npx lamella compare ${file('bright')} ${file('dark')} --data ${held}`);
    const run = alone.comparison.runs[0];
    expect([run?.steps, run?.trainingMs, run?.machine, run?.parameters]).toEqual([undefined, undefined, undefined, 2]);
  });

  test('the model of a run, as a file, scores as the run', async () => {
    const { comparison } = await on([small, join(small, 'best.onnx')]);
    const [a, b] = comparison.runs;
    expect(a?.perImage).toEqual(b?.perImage);
  });

  test('without data, without that output, or with a doubt which it is, they are refused', async () => {
    network('plain', { scores: [-4, 4] });
    network('other', { a: [-4, 4], b: [4, -4] });
    await expect(on([small, file('plain')], { data: undefined as never })).rejects.toThrow(
      /plain\.onnx: this is no run, so which images.*`data`/,
    );
    await expect(on([small, at('runs', 'large')], { output: 'a' })).rejects.toThrow(/`output` is for models of other/);
    await expect(on([small, file('other')])).rejects.toThrow(/gives 2 maps that may be classes.*`output`/s);
    await expect(on([small, file('other')], { output: 'c' })).rejects.toThrow(/no output 'c'; it gives a: float32/);
    await expect(on([file('plain'), file('other')], { output: 'c' })).rejects.toThrow(
      /None of plain\.onnx, other\.onnx has an output 'c'/,
    );
  });

  test('other classes than those of the run', async () => {
    network('three', { scores: [-4, 4, 1] });
    await expect(on([small, file('three')])).rejects.toThrow(
      /three\.onnx has the classes background, class 1, class 2, the ground truth /,
    );
    const { comparison } = await on([small, network('named', { scores: [-4, 4] }, ['outside', 'inside'])]);
    expect(comparison.notes.join(' ')).toMatch(
      /named\.onnx has the classes outside, inside, the ground truth .*: they are taken for these, in this order/,
    );
    const config = JSON.parse(readFileSync(join(small, 'config.json'), 'utf8')) as RunConfig;
    const names = config.recipe.labels.classes.map(({ name }) => name);
    const turned = network('turned', { scores: [-4, 4] }, [...names].reverse());
    await expect(on([small, turned])).rejects.toThrow(/in another order/);
  });
});
