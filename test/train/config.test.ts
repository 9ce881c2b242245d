import { strToU8 } from 'fflate';
import { describe, expect, test } from 'vitest';
import { RunError } from '../../src/errors.ts';
import { parseConfig, recipeHash } from '../../src/train/config.ts';

const good = {
  version: 1,
  lamella: '0.1.0',
  created: '2026-01-01T00:00:00Z',
  folder: 'data',
  trainingImages: ['a'],
  validationImages: [],
  plan: { segments: [{ from: 0, progress: 0, total: 10 }], validations: 1 },
  machine: { device: 'cpu', description: 'CPU', layout: 'nchw16c' },
  notes: [],
  recipe: {
    seed: 0,
    data: {
      fingerprint: 'cafe',
      split: { fraction: 0.2 },
      balance: 0.5,
      separation: { w0: 0, sigmaPx: 5 },
      focusFraction: 0,
    },
    labels: { kind: 'binary', classes: [{ name: 'a', values: [0] }], ignore: [] },
    input: {},
    model: { name: 'unet', channels: 1, numClasses: 2, baseChannels: 16 },
    patch: [64, 64],
    batch: 2,
    augment: {},
    loss: { name: 'ce' },
    optimizer: { name: 'adamw' },
    learningRate: 0.001,
    schedule: { name: 'cosine' },
    clipNorm: 1,
    averageDecay: null,
    exact: false,
  },
};

/** The same with another value at a path; `undefined` takes it out. */
function changed(path: string, value: unknown): Uint8Array {
  const config = structuredClone(good) as unknown as { [key: string]: unknown };
  const keys = path.split('.');
  const last = keys.pop() as string;
  const parent = keys.reduce((at, key) => at[key] as { [key: string]: unknown }, config);
  parent[last] = value;
  return strToU8(JSON.stringify(config));
}

test('one that is as it was written is taken', () => {
  expect(parseConfig(strToU8(JSON.stringify(good)), 'config.json')).toEqual(good);
});

test('one written before keys were renamed is taken, and its checkpoints still belong to it', () => {
  const { optimizer, schedule: _, model: __, data, ...rest } = good.recipe;
  const { focusFraction, ...dataRest } = data;
  const recipe = {
    ...rest,
    data: { ...dataRest, focusShare: focusFraction },
    model: { name: 'unet', channels: 1, outputs: 2, base: 16, most: 64 },
    optimiser: optimizer,
    schedule: { name: 'one-cycle', rise: 0.2, startDivisor: 10, finalDivisor: 100 },
  };
  const read = parseConfig(
    strToU8(
      JSON.stringify({ ...good, recipe, machine: { ...good.machine, layout: undefined, formulation: 'blocks of 16' } }),
    ),
    'config.json',
  );
  expect(read.machine).toEqual(good.machine);
  expect(read.recipe).toEqual({
    ...good.recipe,
    model: { name: 'unet', channels: 1, numClasses: 2, baseChannels: 16, maxChannels: 64 },
    schedule: { name: 'one-cycle', pctStart: 0.2, divFactor: 10, finalDivFactor: 100 },
  });
  // CRC-32 of the old recipe's JSON with sorted keys, by zlib.crc32 of Python 3.11.
  expect(recipeHash(read.recipe)).toBe('7309ace2');
  const shares = { ...good, recipe: { ...recipe, augment: { warpShare: 0.3, intensityShare: 0.2 } } };
  const { augment } = parseConfig(strToU8(JSON.stringify(shares)), 'config.json').recipe;
  expect(augment).toEqual({ warpFraction: 0.3, intensityFraction: 0.2 });
});

describe('one with an impossible value is refused, naming the key', () => {
  test.each([
    ['recipe.batch', 0, '"recipe.batch" is 0; expected a whole number from 1 to 4096.'],
    ['recipe.batch', 2.5, '"recipe.batch" is 2.5; expected a whole number from 1 to 4096.'],
    ['recipe.batch', 'two', '"recipe.batch" is "two"; expected a whole number from 1 to 4096.'],
    ['recipe.patch', [64], '"recipe.patch" is [64]; expected a list of two sides in pixels.'],
    ['recipe.patch', [64, -64], '"recipe.patch" is [64,-64]; expected a list of two sides in pixels.'],
    ['recipe.learningRate', -1, '"recipe.learningRate" is -1; expected a number above 0.'],
    ['recipe.learningRate', null, '"recipe.learningRate" is null; expected a number above 0.'],
    ['recipe.clipNorm', 0, '"recipe.clipNorm" is 0; expected a number above 0, or null,.'],
    ['recipe.averageDecay', 1.5, '"recipe.averageDecay" is 1.5; expected a number from 0 to 1, or null,.'],
    ['recipe.model.baseChannels', -4, '"recipe.model.baseChannels" is -4; expected a whole number from 1 to 1024.'],
    ['recipe.loss.name', 'l2', /"recipe\.loss\.name" is "l2"; expected one of ce, .*\./],
    ['recipe.model.name', 'vnet', /"recipe\.model\.name" is "vnet"; expected one of .*unet2015.*\./],
    ['recipe.data', 3, '"recipe.data" is 3; expected an object.'],
    ['recipe.data.separation', undefined, '"recipe.data.separation" is missing.'],
    ['plan.segments', 'none', '"plan.segments" is "none"; expected a list of { from, progress, total }.'],
    [
      'plan.segments',
      [{ from: 0, progress: 0, total: 0 }],
      /"plan\.segments" is \[\{"from":0,"progress":0,"total":0\}\];/,
    ],
    ['machine.layout', 'nchw32c', /"machine\.layout" is "nchw32c"; expected one of nchw, /],
    ['trainingImages', 'x'.repeat(100), /"trainingImages" is "x{56}\.\.\.; expected a list of names\./],
    ['version', 2, /not the configuration of a run, or of another version/],
  ])('%s: %j', (path, value, message) => {
    const bytes = changed(path, value);
    expect(() => parseConfig(bytes, 'config.json')).toThrow(RunError);
    expect(() => parseConfig(bytes, 'config.json')).toThrow(message);
  });
});

test.each(['null', '[]', '3', '{'])('what is no configuration at all (%s)', (text) => {
  expect(() => parseConfig(strToU8(text), 'config.json')).toThrow(
    /^config\.json: this is not .*Use the unmodified config\.json/,
  );
});
