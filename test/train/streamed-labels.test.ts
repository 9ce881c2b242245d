/** Images that are read by region, with strokes and with numbered objects. */

import { describe, expect, test } from 'vitest';
import {
  contentOf,
  dataset,
  expectSame,
  GREY,
  type Kind,
  LITTLE,
  MUCH,
  NONE,
  SMALL,
  type Trained,
  trained,
} from '../support/streamed-runs.ts';

describe('strokes are trained on as in memory, to the last bit', () => {
  const large: Kind = { ...GREY, height: 500, width: 620 };
  const strokes = [
    [20, 30, 60, 9],
    [40, 20, 7, 90],
    [430, 540, 40, 50],
    [420, 20, 2, 200],
  ] as const;
  const of = (i: number): Kind => (i === 1 ? GREY : { ...large, strokes: i === 4 ? [] : strokes });

  test('several of them, a page with a gap, one without annotation', async () => {
    const data = await dataset('strokes', ['zarr', 'zarr', 'tif', 'zarr', 'zarr'], (i) =>
      i === 3 ? { ...GREY, strokes: [[0, 0, 150, 190] as const, [4, 190, 146, 20] as const] } : of(i),
    );
    const { notes, out } = await expectSame(data, { split: { names: ['s0'] } });
    expect(notes).toContainEqual(
      expect.stringMatching(/^annotated: .* % of 3 training pages; the others take no part$/),
    );
    expect(notes).toContainEqual('left out, as nothing is annotated there: 1 of 5 pages');
    const threads = await trained(data, LITTLE, { split: { names: ['s0'] }, workers: 2 });
    expect(threads.files).toEqual((await contentOf(out)).files);
  }, 120_000);

  test('nothing but strokes, bent and plain', async () => {
    const data = await dataset('painted', ['zarr', 'zarr', 'zarr'], (i) => ({ ...large, strokes: of(i + 5).strokes }));
    await expectSame(data, { augment: 'strong' });
    await expectSame(data, { split: { fraction: 0 }, augment: 'none', patch: [64, 64] });
  }, 120_000);

  test('without any, or of one class only, as of images in memory', async () => {
    const none = await dataset('unpainted', ['zarr', 'zarr'], () => ({
      ...GREY,
      strokes: [[0, 0, 150, 210] as const],
    }));
    const settings = {
      ignore: [0, 1, 2],
      classes: [
        { name: 'a', values: [3] },
        { name: 'b', values: [4] },
      ],
    };
    for (const free of [MUCH, LITTLE]) {
      await expect(trained(none, free, settings)).rejects.toThrow(/nothing is annotated that could be trained on/);
    }
    const one = await dataset('one class', ['zarr', 'zarr'], () => ({ ...large, strokes: [[0, 0, 2, 2] as const] }));
    const classes = [
      { name: 'ground', values: [0] },
      { name: 'disc', values: [1, 2] },
    ];
    for (const free of [MUCH, LITTLE]) {
      await expect(trained(one, free, { classes, ignore: [255] })).rejects.toThrow(/only class .* is painted in/);
    }
  }, 120_000);
});

describe('numbered objects are trained on as in memory, to the last bit', () => {
  const numbered: Kind = { ...GREY, height: 300, width: 400, numbers: (blob) => blob + 1 };
  const classes = [
    { name: 'ground', values: [0] },
    { name: 'disc', values: 'rest' },
  ] as const;
  const all = { split: { fraction: 0 } };
  const rims = { ...all, task: 'instances' } as const;

  test('touching ones, with weights for the borders between them', async () => {
    const data = await dataset('numbered', ['zarr', 'tif', 'zarr'], (i) => ({ ...numbered, width: 400 - 30 * i }));
    const { notes } = await expectSame(data, { classes });
    expect(notes).toContainEqual(expect.stringMatching(/^training: .* borders between objects weigh up to 5 more/));
    const threads = await trained(data, LITTLE, { classes, workers: 2 });
    expect(threads.files).toEqual((await trained(data, MUCH, { classes })).files);
    await expectSame(data, { classes, separation: { w0: 20, sigmaPx: 9 }, augment: 'strong' });
    const { depth: _, ...settings } = SMALL;
    await expectSame(data, { ...settings, ...all, classes, network: 'unet2015', patch: [188, 188] });
  }, 120_000);

  test('with a class for their rims, small ones weighed more', async () => {
    const data = await dataset('rims', ['zarr', 'zarr', 'zarr'], () => numbered);
    const { notes } = await expectSame(data, rims);
    expect(notes).toContainEqual(expect.stringMatching(/objects smaller than the median up to 4 times as much/));
    await expectSame(data, { ...rims, separation: NONE });
  }, 120_000);

  test('numbers beyond 31 bits', async () => {
    const data = await dataset('large numbers', ['zarr', 'zarr'], (i) => ({
      ...numbered,
      numbers: (blob) => (i === 0 ? 3_000_000_000 : 5) + blob ** 3,
    }));
    for (const settings of [rims, { ...all, classes }]) await expectSame(data, settings);
  }, 120_000);

  test('annotated in part: rims, gaps and sizes at the edge of what is known', async () => {
    const data = await dataset('numbered strokes', ['zarr', 'zarr', 'zarr'], (i) => ({
      ...numbered,
      height: 500,
      width: 620,
      ...(i < 2 && { strokes: [[10, 10, 120, 90] as const, [100, 60, 3, 200] as const, [400, 470, 90, 140] as const] }),
    }));
    await expectSame(data, { ...rims, ignore: [255] });
    await expectSame(data, { ...all, classes, ignore: [255] });
  }, 120_000);

  test('scored by the Dice of classes where AP is of whole images, with the same steps', async () => {
    const data = await dataset('scored', ['zarr', 'zarr', 'zarr'], () => numbered);
    const [held, streamed] = [
      await trained(data, MUCH, { task: 'instances' }),
      await trained(data, LITTLE, { task: 'instances' }),
    ];
    const steps = ({ log }: Trained) => log.filter((line) => 'loss' in line);
    expect(steps(streamed)).toEqual(steps(held));
    expect(steps(streamed)).toHaveLength(6);
    expect(streamed.log).toContainEqual(expect.objectContaining({ kind: 'validation', metric: 'Dice' }));
    const rests = ({ log }: Trained) => log.flatMap((line) => ('on' in line ? [line.on] : []));
    expect(rests(streamed)).toEqual(rests(held));
    expect(rests(streamed)[0]).toMatchObject({ pixels: 120_000, objects: expect.any(Number) });
  }, 120_000);
});
