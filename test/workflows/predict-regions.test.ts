import { describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import type { Image } from '../../src/image/image.ts';
import { memorySource } from '../../src/image/source.ts';
import { separateObjects } from '../../src/objects/instances.ts';
import { probabilityImage } from '../../src/predict/output.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { readImageFile } from '../../src/workflows/image-files.ts';
import { memoryFiles } from '../../src/workflows/memory-files.ts';
import { planMemory, predictByRegion, type RegionRequest } from '../../src/workflows/predict-regions.ts';
import { fakeForward, fakeModel, PADDED } from '../predict/fake-network.ts';

const model = fakeModel(PADDED, (x) => fakeForward(x, true), { memory: { perPixel: 100, compiled: 50e6 } });
const image: Image = {
  ...ndarray(
    'uint8',
    [50, 70],
    Uint8Array.from({ length: 3500 }, (_, i) => (i * 31) % 200),
  ),
  axes: 'yx',
  spacing: { y: { value: 2, unit: 'µm' }, x: { value: 2, unit: 'µm' } },
  source: 'slide.tif',
};
const request = (rest: Partial<RegionRequest> = {}): RegionRequest => ({
  ...{ models: [model], level: 0, isStore: false, out: 'pred', name: 'slide', outputs: {}, predict: { tile: 32 } },
  memory: { tiles: 1e6, whole: 1000, isLimit: false },
  ...rest,
});
const host = (free = 1e9) => ({ files: memoryFiles({}), memory: () => ({ used: 100e6, free }) });

describe('an image that does not fit is predicted by region', () => {
  for (const [isStore, extension] of [
    [false, 'tif'],
    [true, 'ome.zarr'],
  ] as const) {
    test(`into .${extension}, as a whole image would be`, async () => {
      const { files, memory } = host();
      const made = await predictByRegion({ files, memory }, memorySource(image), request({ isStore }));
      expect(made).toMatchObject({
        probability: `pred/probability/slide.${extension}`,
        label: `pred/label/slide.${extension}`,
        notes: ['No overlay is drawn of an image that is predicted by region.'],
      });
      const written = await readImageFile(files, made?.probability ?? '');
      const whole = probabilityImage(await predictImage(model, image, { tile: 32 }));
      expect(written).toMatchObject({ shape: whole.shape, dtype: 'uint8', spacing: image.spacing });
      // Other tiles: the last bits differ, and with them the rounding of a few.
      const differences = whole.data.map((value, i) => Math.abs(Number(value) - Number(written.data[i])));
      expect(Math.max(...differences)).toBeLessThanOrEqual(1);
      expect(differences.filter((one) => one > 0).length).toBeLessThan(20);
    });
  }

  for (const [isStore, extension] of [
    [false, 'tif'],
    [true, 'ome.zarr'],
  ] as const) {
    test(`its objects are those of its probabilities, in .${extension}`, async () => {
      const { files, memory } = host();
      const outputs = { objects: true, probability: '16bit' } as const;
      const made = await predictByRegion({ files, memory }, memorySource(image), request({ isStore, outputs }));
      expect(made?.objects).toBe(`pred/objects/slide.${extension}`);
      const { data, shape } = await readImageFile(files, made?.probability ?? '');
      const whole = separateObjects({ foreground: ndarray('uint16', shape, data as Uint16Array) }, { by: 'shape' });
      const objects = await readImageFile(files, made?.objects ?? '');
      expect(made?.objectCount).toBe(whole.count);
      expect(whole.count).toBeGreaterThan(3);
      expect(objects).toMatchObject({ dtype: 'uint32', labelKind: 'objects', spacing: image.spacing });
      expect([...objects.data]).toEqual([...whole.labels.data]);
      // Nothing is left of what was in between.
      expect((await files.list('pred')).filter((name) => name.includes('unfinished'))).toEqual([]);
    });
  }

  test('with nothing but its objects', async () => {
    const outputs = { objects: true, labels: false, probability: 'none', overlay: false } as const;
    const made = await predictByRegion(host(), memorySource(image), request({ outputs }));
    expect(made).toMatchObject({ objects: 'pred/objects/slide.tif', notes: [] });
    expect(made?.probability).toBeUndefined();
  });

  // Without background nothing stands out.
  test('objects that cannot be proved in the memory allowed are said', async () => {
    const outputs = { objects: true, separation: { by: 'shape', threshold: -1 } } as const;
    const memory = { tiles: 1e5, whole: 1000, isLimit: false };
    const wide = { ...image, shape: [50, 700], data: new Uint8Array(35_000).map((_, i) => (i * 31) % 200) };
    const asked = request({ outputs, memory, separation: outputs.separation });
    const made = await predictByRegion(host(), memorySource(wide), asked);
    expect(made?.notes[0]).toMatch(/^\d+ pixels of \d+ objects could not be proved .*: set `memory` to more\.$/);
  });

  test('one that fits is not', async () => {
    const memory = { tiles: 1e6, whole: 1e6, isLimit: false };
    expect(await predictByRegion(host(), memorySource(image), request({ memory }))).toBeUndefined();
    expect(await predictByRegion(host(), memorySource(image), request({ memory: undefined }))).toBeUndefined();
  });
});

describe('what needs the whole image is said before it begins', () => {
  // 3,500 pixels of 75 bytes.
  test('with the memory that it takes', async () => {
    const notes: string[] = [];
    const onNote = (note: string) => void notes.push(note);
    const median = request({ outputs: { median: 2, objects: true }, onNote });
    expect(await predictByRegion(host(), memorySource(image), median)).toBeUndefined();
    expect(notes).toEqual(['slide: it is predicted as a whole because of `median`, which takes about 1 MB.']);
  });

  test('of an image that is resampled, and of none that is as in training', async () => {
    const notes: string[] = [];
    const trained = (mm: number) => ({ ...model, input: { ...model.input, pixelMm: [mm, mm] as const } });
    const asked = (mm: number) =>
      request({ models: [trained(mm)], outputs: { resample: true }, onNote: (note) => void notes.push(note) });
    expect(await predictByRegion(host(), memorySource(image), asked(0.000_02))).toBeUndefined();
    // 100 times larger along each axis: 12 bytes for each pixel that the network sees.
    expect(notes).toEqual(['slide: it is predicted as a whole because of `resample`, which takes about 421 MB.']);
    expect(await predictByRegion(host(), memorySource(image), asked(0.002))).toBeDefined();
  });

  test('and refused if that is not free', async () => {
    const several = request({ models: [model, model] });
    await expect(predictByRegion(host(1e5), memorySource(image), several)).rejects.toThrow(
      'slide.tif: it is predicted as a whole because of the mean of several models, which takes about 1 MB, and 1 MB are free.',
    );
    const median = request({ outputs: { median: 2, format: 'zarr' } });
    await expect(predictByRegion(host(), memorySource(image), median)).rejects.toThrow('which `median` does not allow');
  });
});

describe('the memory for predictions', () => {
  const { memory } = host(4e9);
  test('is by default a quarter of what is free for tiles, and half for an image', () => {
    expect(planMemory({ memory }, [model], undefined)).toEqual({ tiles: 1e9, whole: 2e9, isLimit: false });
  });
  test('is what was asked for without the program and what compiling takes', () => {
    expect(planMemory({ memory }, [model], 600e6)).toEqual({ tiles: 450e6, whole: 450e6, isLimit: true });
    expect(() => planMemory({ memory }, [model], 150e6)).toThrow(
      'Too little memory: 150 MB are allowed, but the program and its model take 150 MB.',
    );
  });
  test('is unknown where the platform cannot tell', () => {
    expect(planMemory({}, [model], undefined)).toBeUndefined();
  });
});
