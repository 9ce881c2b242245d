import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStreamed } from '../../src/dataset/streamed/open.ts';
import { DeviceError, Interrupted } from '../../src/errors.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { parseConfig } from '../../src/train/config.ts';
import type { TrainEvent } from '../../src/train/loop.ts';
import { type RunSettings, repeatTraining, resumeTraining, trainNew } from '../../src/workflows/train.ts';
import { countOpen } from '../support/open-files.ts';
import {
  addTo,
  blobs,
  contentOf,
  dataset,
  expectSame,
  GREY,
  hostWith,
  type Kind,
  LITTLE,
  MACHINE,
  MUCH,
  NONE,
  newRun,
  nnunetDataset,
  SMALL,
  trained,
  writeStore,
} from '../support/streamed-runs.ts';
import { OTHER, trainOnPackage } from '../support/train-on-package.ts';

describe('images that are read by region are trained as those in memory, to the last bit', () => {
  test('three classes, of which one is rare, in OME-Zarr and TIFF', async () => {
    const data = await dataset('classes', ['zarr', 'tif', 'zarr', 'tif'], (i) => ({ ...GREY, height: 150 + 20 * i }));
    const { notes } = await expectSame(data);
    expect(notes).toContainEqual(expect.stringMatching(/^validation: /));
    // In threads as well.
    const threads = await trained(data, LITTLE, { workers: 2 });
    expect(threads.files).toEqual((await trained(data, MUCH)).files);
  }, 120_000);

  test('colours, some images bright and inverted', async () => {
    const colours = { ...GREY, channels: ['red', 'green', 'blue'] };
    const data = await dataset('colours', ['zarr', 'zarr', 'zarr'], (i) => ({ ...colours, isDark: i > 0 }));
    const { notes } = await expectSame(data, { split: { fraction: 0 } });
    expect(notes).toContainEqual(expect.stringMatching(/^inverted: /));
  }, 120_000);

  test('channels each by itself, normalised over the data set', async () => {
    const stains: Kind = { ...GREY, dtype: 'float32', channels: ['DAPI', 'GFP'] };
    const data = await dataset('stains', ['zarr', 'zarr', 'zarr'], () => stains);
    await expectSame(data, { normalisation: { kind: 'zscore', scope: 'dataset' }, augment: 'strong' });
  }, 120_000);

  test('a network that gives less than it sees, with patches larger than the image', async () => {
    const data = await dataset('small', ['zarr', 'zarr', 'zarr'], () => GREY);
    const { depth: _, ...settings } = SMALL;
    await expectSame(data, { ...settings, network: 'unet2015', patch: [188, 188], separation: NONE });
  }, 120_000);

  test('one of several folds, which sees images as the others do', async () => {
    const data = await dataset('folds', ['zarr', 'zarr', 'zarr', 'zarr'], (i) => ({
      ...GREY,
      dtype: i === 0 ? 'uint8' : 'uint16',
      isDark: i > 1,
    }));
    const normalisation = { kind: 'zscore', scope: 'dataset' } as const;
    await expectSame(data, { split: { fold: 0, folds: 4 }, normalisation });
    await expectSame(data, { split: { fold: 3, folds: 4 } });
  }, 120_000);

  test('a run that is resumed, the first time from memory', async () => {
    const data = await dataset('resumed', ['zarr', 'zarr', 'zarr'], () => GREY);
    const whole = await trained(data, MUCH);
    const out = newRun();
    const controller = new AbortController();
    const hooks = {
      signal: controller.signal,
      onEvent: (event: TrainEvent) => {
        if (event.kind === 'step' && event.step >= 4) controller.abort();
      },
    };
    const machine = { ...MACHINE, workers: 0 };
    await expect(trainNew(hostWith(MUCH), data, SMALL, { out, machine }, hooks)).rejects.toThrow(Interrupted);
    await resumeTraining(hostWith(LITTLE), { out, machine });
    expect((await contentOf(out)).files['checkpoints/step-000000006.ckpt']).toBe(
      whole.files['checkpoints/step-000000006.ckpt'],
    );
  }, 120_000);
});

const CONTINUED: RunSettings = { steps: 6, patch: [48, 48], batch: 3, seed: 6 };

describe('training on from a model is as in memory', () => {
  const ground = { name: 'ground', values: [0] };

  test('from a file: its network, channels, normalisation and classes', async () => {
    const first = await dataset('first', ['zarr', 'zarr', 'zarr'], () => GREY);
    const normalisation = { kind: 'zscore', scope: 'dataset' } as const;
    const { out } = await trained(first, MUCH, { normalisation });
    const from = join(out, 'last.onnx');
    const next = await dataset('next', ['zarr', 'tif', 'zarr'], (i) => ({ ...GREY, height: 160 + i, isDark: i === 2 }));
    const { notes } = await expectSame(next, { ...CONTINUED, from });
    expect(notes).toContainEqual(expect.stringMatching(/^channels and normalisation: those of /));
    // Other classes, of which the last layer is new.
    const classes = [ground, { name: 'disc', values: [1, 2] }];
    await expectSame(next, { ...CONTINUED, from, classes, freeze: ['encoder'], newLearningRate: 0.01 });
  }, 120_000);

  test('from a run on some of the same images, of which those held out stay so', async () => {
    const data = await dataset('grown', ['zarr', 'zarr', 'zarr'], () => GREY);
    const { out } = await trained(data, MUCH, { split: { names: ['s1'] } });
    for (const i of [3, 4]) await addTo(data, i, 'zarr', GREY);
    const { notes } = await expectSame(data, { ...CONTINUED, from: out });
    expect(notes).toContainEqual('data from before: 2 pages to train on, 1 held out as before');
  }, 120_000);

  test('from a model of another program', async () => {
    const kinds = ['uint8', 'uint16'] as const;
    for (const dtype of kinds) {
      const data = await dataset(`other ${dtype}`, ['zarr', 'zarr', 'zarr'], () => ({ ...GREY, dtype }));
      const classes = [ground, { name: 'disc', values: [1, 2] }];
      await expectSame(data, { ...CONTINUED, patch: [32, 32], from: OTHER, classes });
    }
  }, 120_000);

  test('from a model of regions, which stay regions, or whose last layer is new where there are none', async () => {
    const values = { height: 96, width: 96, dtype: 'uint8', channels: ['grey'] } as const;
    const regions = await nnunetDataset('Dataset001_Regions', values, {
      labels: { background: 0, blob: [1, 2], core: 2 },
      regions_class_order: [1, 2],
    });
    const { out } = await trained(regions, MUCH);
    const from = join(out, 'last.onnx');
    const data = await dataset('of regions', ['zarr', 'zarr', 'zarr'], () => GREY);
    const { notes } = await expectSame(data, { ...CONTINUED, from });
    expect(notes).toContainEqual(expect.stringMatching(/^regions: blob, core, trained together/));
    const classes = ['ground', 'blob', 'core'].map((name, value) => ({ name, values: [value] }));
    const others = await expectSame(data, { ...CONTINUED, from, classes });
    expect(others.notes).toContain(
      `training on from ${from}: output new, since maps are of classes, and those of ${from} of others`,
    );
    expect(others.notes.filter((note) => note.startsWith('regions'))).toEqual([]);
  }, 120_000);

  describe('from a package of BioImage.IO', () => {
    const classes = [ground, { name: 'disc', values: [1, 2] }];
    const settings: RunSettings = { ...CONTINUED, patch: [32, 32], classes };
    const packed = async (data: string, ...steps: Parameters<typeof trainOnPackage>[0]): Promise<RunSettings> => {
      const from = `${data}.zip`;
      await writeFile(from, await trainOnPackage(steps));
      return { ...settings, from };
    };

    test('whose operations are applied to each value', async () => {
      const data = await dataset('operations', ['zarr', 'tif', 'zarr'], () => ({ ...GREY, dtype: 'uint16' }));
      const linear = { id: 'scale_linear', kwargs: { gain: 0.0003, offset: -1.5 } };
      const clip = { id: 'clip', kwargs: { min: -0.5, max: 0.5 } };
      await expectSame(data, await packed(data, linear, clip));
    }, 120_000);

    test('whose operations are over the whole image, which are refused with a remedy', async () => {
      const data = await dataset('over the whole', ['zarr', 'zarr', 'zarr'], () => GREY);
      const run = await packed(data, { id: 'zero_mean_unit_variance', kwargs: { axes: ['channel', 'y', 'x'] } });
      await expect(trained(data, LITTLE, run)).rejects.toThrow(
        /s0\.ome\.zarr: the model's operation 'zero_mean_unit_variance' needs the whole image, and images do not fit into memory\. Set `memory` to more/,
      );
      expect((await trained(data, MUCH, run)).notes).toContainEqual(
        expect.stringMatching(/^channels and normalisation: those of /),
      );
    }, 120_000);
  });

  test('data of the run that lie elsewhere are not rehearsed, which is said', async () => {
    const old = await dataset('old', ['zarr', 'zarr'], () => GREY);
    const { out: from } = await trained(old, MUCH);
    const next = await dataset('new', ['zarr', 'zarr'], () => GREY);
    const warnings: string[] = [];
    await trainNew(
      hostWith(LITTLE),
      next,
      { ...CONTINUED, from },
      { out: newRun(), machine: { ...MACHINE, workers: 0 } },
      { warn: (line) => warnings.push(line) },
    );
    expect(warnings).toEqual(['Old data are not rehearsed: images that do not fit into memory are trained on alone.']);
  }, 120_000);
});

describe('images are closed when they are not trained on after all', () => {
  test('as labels cannot be opened', async () => {
    const data = await dataset('damaged', ['tif', 'tif'], () => GREY);
    // A TIFF whose directory would lie behind its end.
    await writeFile(join(data, 'label', 's1.tif'), Uint8Array.of(0x49, 0x49, 42, 0, 0xff, 0xff, 0, 0));
    const { files, count } = countOpen(nodeFiles);
    await expect(openStreamed(files, data, { bytes: 1 })).rejects.toThrow(/label\/s1\.tif: /);
    expect([count.most > 0, count.now]).toEqual([true, 0]);
  });

  test('as the run before cannot be read, or the machine is not there', async () => {
    const data = await dataset('closed', ['tif', 'tif'], () => GREY);
    const { files, count } = countOpen(nodeFiles);
    const host = { ...hostWith(LITTLE), files };
    const machine = { ...MACHINE, workers: 0 };
    const { out: from } = await trained(data, MUCH);
    const out = newRun();
    await trainNew(host, data, SMALL, { out, machine });
    const broken = async (): Promise<never> => {
      // Opened by now.
      expect(count.now).toBeGreaterThan(0);
      throw new DeviceError('there is no such device.');
    };
    await expect(resumeTraining({ ...host, sameMachine: broken }, { out, machine })).rejects.toThrow(DeviceError);
    expect(count.now).toBe(0);
    const config = parseConfig(await readFile(join(out, 'config.json')), out);
    const again = repeatTraining({ ...host, sameMachine: broken }, config, { out: newRun(), machine });
    await expect(again).rejects.toThrow(DeviceError);
    expect(count.now).toBe(0);
    await writeFile(join(from, 'config.json'), '{');
    count.most = 0;
    await expect(trainNew(host, data, { ...CONTINUED, from }, { out: newRun(), machine })).rejects.toThrow(
      /config\.json/,
    );
    expect([count.most > 1, count.now]).toEqual([true, 0]);
  }, 120_000);
});

test('values that no network can take are refused where nothing else asks for them', async () => {
  const data = await dataset('infinite', ['zarr', 'zarr'], () => ({ ...GREY, dtype: 'float32' }));
  const { image } = blobs(0, { ...GREY, dtype: 'float32' });
  image.data[5000] = Number.NaN;
  await rm(join(data, 'image', 's0.ome.zarr'), { recursive: true });
  await writeStore(join(data, 'image', 's0.ome.zarr'), image);
  const normalisation = { kind: 'range', range: [-2000, 10_000] } as const;
  for (const free of [MUCH, LITTLE]) {
    await expect(trained(data, free, { normalisation })).rejects.toThrow(/s0\.ome\.zarr: .*NaN/s);
  }
}, 120_000);

test('what cannot be read by region is held, if it fits', async () => {
  const data = await dataset('mixed', ['zarr', 'png', 'zarr'], () => GREY);
  const pixels = GREY.height * GREY.width;
  // The stores would take 24 bytes per pixel, the picture 5.
  const { notes } = await trained(data, 10 * pixels);
  expect(notes).toContain('held in memory: 1 image');
  await expect(trained(data, 4 * pixels)).rejects.toThrow(
    /image\/s1\.png: this image cannot be read by region, .*lamella convert image\/s1\.png image\/s1\.ome\.zarr/s,
  );
}, 120_000);

test('what needs the whole is said', async () => {
  const data = await dataset('whole', ['zarr', 'zarr', 'zarr'], () => GREY);
  await expect(trained(data, LITTLE, { network: 'unet3d' })).rejects.toThrow(
    /`network: unet3d` does not go with images that/,
  );
  await expect(trained(data, LITTLE, { separation: { ...NONE, w0: 5 } })).rejects.toThrow(
    /weights for the borders between the pieces of a class need the whole image.*`separation: 0`/s,
  );
}, 120_000);
