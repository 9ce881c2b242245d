/** Tiles of packages that say for which sides, and with which halo, their network is made. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { float32 } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { writeOnnx } from '../../src/graph/onnx/write.ts';
import { openModelFile } from '../../src/platform/node/model-files.ts';
import { predictPlanes } from '../../src/predict/predict.ts';
import { COMMON, sha256 } from '../support/bioimageio-package.ts';
import { expectAllClose } from '../support/expect-all-close.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamella-sizes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Looks 3 pixels far, at strides of 2; with `instance` at the whole image. */
function network({ isOpen = true, instance = false, isCoarse = false } = {}): Uint8Array {
  const b = new GraphBuilder('network');
  const random = stream(5, 'network');
  const kernel = () =>
    b.constant(
      float32(
        [1, 1, 3, 3],
        Float32Array.from({ length: 9 }, () => random.normal()),
      ),
    );
  const x = b.input('raw', 'float32', [1, 1, 48, 48]);
  const low = b.op('Conv', [b.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] }), kernel()], {
    pads: [1, 1, 1, 1],
  });
  const scale = b.constant(float32([1], [2]));
  const shift = b.constant(float32([1], [0.5]));
  const normalised = instance ? b.op('InstanceNormalization', [low, scale, shift], { epsilon: 1e-5 }) : low;
  const up = b.op('ConvTranspose', [normalised, b.constant(float32([1, 1, 2, 2], [1, 0.5, -1, 2]))], {
    strides: [2, 2],
  });
  const fine = b.op('Sigmoid', [b.op('Conv', [up, kernel()], { pads: [1, 1, 1, 1] })]);
  const y = b.output(isCoarse ? b.op('MaxPool', [fine], { kernel_shape: [4, 4], strides: [4, 4] }) : fine, 'cells');
  const graph = b.build([y]);
  const dims = ['n', 1, 'h', 'w'] as const;
  return writeOnnx(
    isOpen
      ? {
          ...graph,
          symbols: new Map([
            ['raw', dims],
            ['cells', isCoarse ? ['n', 1, 'h4', 'w4'] : dims],
          ]),
        }
      : graph,
  );
}

interface Said {
  readonly min?: number;
  readonly step?: number;
  readonly halo?: number;
}

const newFormat = ({ min, step, halo }: Said) => {
  const side = (id: string) => ({ type: 'space', id, size: min === undefined ? 48 : { min, step } });
  const rest = [{ type: 'batch' }, { type: 'channel', channel_names: ['intensity'] }];
  const out = (id: string) => ({ type: 'space', id, size: { tensor_id: 'raw', axis_id: id }, halo });
  return {
    format_version: '0.5.4',
    inputs: [{ id: 'raw', axes: [...rest, side('y'), side('x')] }],
    outputs: [{ id: 'cells', axes: [...rest, out('y'), out('x')] }],
  };
};

const oldFormat = ({ min = 48, step = 0, halo = 0 }: Said) => ({
  format_version: '0.4.10',
  inputs: [{ name: 'raw', axes: 'bcyx', shape: { min: [1, 1, min, min], step: [0, 0, step, step] } }],
  outputs: [
    {
      name: 'cells',
      axes: 'bcyx',
      shape: { reference_tensor: 'raw', scale: [1, 1, 1, 1], offset: [0, 0, 0, 0] },
      halo: [0, 0, halo, halo],
    },
  ],
});

let made = 0;
async function opened(said: Said, { format = newFormat, bytes = network() }: Partial<Made> = {}) {
  const place = join(folder, `${made++}`);
  mkdirSync(place);
  writeFileSync(join(place, 'weights.onnx'), bytes);
  const weights = { onnx: { source: 'weights.onnx', sha256: sha256(bytes), opset_version: 18 } };
  writeFileSync(join(place, 'rdf.yaml'), JSON.stringify({ ...COMMON, ...format(said), weights }));
  return openModelFile(place, { device: 'cpu' });
}
interface Made {
  readonly format: (said: Said) => object;
  readonly bytes: Uint8Array;
}

const contradictions = ({ notes }: { readonly notes: readonly string[] }): readonly string[] =>
  notes.filter((note) => note.startsWith('The package says'));

test.each([
  ['0.5', newFormat],
  ['0.4', oldFormat],
] as const)('tiles have the sides and the halo that a package of format %s says', async (_, format) => {
  const plain = await opened({ min: 2, step: 2 }, { format });
  expect(plain.rule.y).toMatchObject({ multiple: 2, offset: 0, exact: true });
  const model = await opened({ min: 40, step: 12, halo: 18 }, { format });
  // Sides of 40 + k * 12 are even.
  for (const rule of [model.rule.y, model.rule.x]) {
    expect(rule).toMatchObject({ multiple: 12, offset: 4, minimum: 40, halo: 18, exact: true });
  }
  expect(contradictions(model)).toEqual([]);
  const [height, width] = [190, 131];
  const random = stream(8, 'pixels');
  const planes = Float32Array.from({ length: height * width }, () => random.uniform());
  const given = new Set<number>();
  const program: typeof model.program = Object.create(model.program, {
    run: {
      value: (feeds: Parameters<typeof model.program.run>[0]) => {
        for (const side of feeds.raw?.shape.slice(2) ?? []) given.add(side);
        return model.program.run(feeds);
      },
    },
  });
  const tiled = await predictPlanes({ ...model, program }, { planes, height, width }, { tile: 90 });
  expect(given.size).toBeGreaterThan(0);
  for (const side of given) expect([side, side >= 40 && (side - 40) % 12]).toEqual([side, 0]);
  expect(Math.max(...given)).toBeLessThan(height);
  const whole = await predictPlanes(model, { planes, height, width });
  expectAllClose(tiled.data, whole.data, { rtol: 0, atol: 1e-6 });
  for (const each of [plain, model]) await each.close();
});

const NONE =
  'The package says sides of 41 + k * 2 pixels, and the network takes none of them: tiles have its own sides, multiples of 2 from 2 on.';
test.each<readonly [Said, object, readonly string[]]>([
  [{ min: 41, step: 2 }, { multiple: 2, offset: 0 }, [NONE]],
  [
    { min: 41, step: 1 },
    { multiple: 2, offset: 0, minimum: 42 },
    ['The package says sides of 41 + k * 1 pixels, and the network takes multiples of 2 from 2 on: tiles are both.'],
  ],
  [
    { min: 40, step: 2, halo: 1 },
    { multiple: 2, minimum: 40, halo: 3 },
    ['The package says a halo of 1 pixels, and the network looks 3 pixels far: tiles overlap by those.'],
  ],
  [{ min: 40, step: 2, halo: 3 }, { halo: 3 }, []],
])('where package and network differ, the network goes first and it is said: %j', async (said, rule, notes) => {
  const model = await opened(said);
  expect(model.rule.y).toMatchObject(rule);
  expect(contradictions(model)).toEqual(notes);
  await model.close();
});

test('a network of one size has that, whatever its package says', async () => {
  const bytes = network({ isOpen: false });
  const model = await opened({ min: 64, step: 16, halo: 24 }, { bytes });
  expect(model.rule.y).toMatchObject({ fixed: 48, halo: 3 });
  expect(contradictions(model)).toEqual([
    'The package says sides of 64 + k * 16 pixels, and the network takes 48 only.',
    'The package says a halo of 24 pixels, which leaves nothing of the 48 that the network takes: it is not followed.',
  ]);
  const fits = await opened({ min: 16, step: 16, halo: 12 }, { bytes });
  expect([fits.rule.y.fixed, fits.rule.y.halo, contradictions(fits)]).toEqual([48, 12, []]);
  for (const each of [model, fits]) await each.close();
});

test('the halo is not used of tiles that are blended', async () => {
  const model = await opened({ min: 64, step: 16, halo: 20 }, { bytes: network({ instance: true }) });
  expect(model.rule.y).toMatchObject({ exact: false, multiple: 16, minimum: 64, unused: 20 });
  const [height, width] = [250, 64];
  // Of tiles of 112 pixels, what a network gives within 20 of a cut edge is replaced, and nothing changes.
  const planes = Float32Array.from({ length: height * width }, (_, p) => Math.sin(p / 7) + Math.cos(p / 900));
  const predict = async (spoil: (row: number, rows: number) => boolean) => {
    let tiles = 0;
    const program: typeof model.program = Object.create(model.program, {
      run: {
        value: async (feeds: Parameters<typeof model.program.run>[0]) => {
          const results = await model.program.run(feeds);
          const cells = results.cells as { readonly shape: readonly number[]; readonly data: Float32Array };
          const [images = 0, , rows = 0, columns = 0] = cells.shape;
          for (let image = 0; image < images; image++) {
            tiles++;
            for (let row = 0; row < rows; row++) {
              if (spoil(row, rows))
                cells.data.fill(9, (image * rows + row) * columns, (image * rows + row + 1) * columns);
            }
          }
          return results;
        },
      },
    });
    const { data } = await predictPlanes({ ...model, program }, { planes, height, width }, { tile: 112 });
    return { data, tiles };
  };
  const plain = await predict(() => false);
  expect(plain.tiles).toBeGreaterThan(2);
  const spoilt = await predict((row, rows) => row < 20 || row >= rows - 20);
  const [from, to] = [20, height - 20];
  const inside = (data: Float32Array) => data.subarray(height * width).subarray(from * width, to * width);
  expect(inside(spoilt.data as Float32Array)).toEqual(inside(plain.data as Float32Array));
  // And with one pixel more it does.
  const more = await predict((row, rows) => row < 26 || row >= rows - 26);
  expect(inside(more.data as Float32Array)).not.toEqual(inside(plain.data as Float32Array));
  await model.close();
});

test('the halo of a map that is coarser is in its pixels', async () => {
  const bytes = network({ isCoarse: true });
  const model = await opened({ min: 64, step: 16, halo: 3 }, { bytes });
  expect(model.rule.x).toMatchObject({ exact: false, multiple: 16, minimum: 64, unused: 12 });
  await model.close();
});

test.each([
  [{ min: 40, step: 0 }, "'inputs[0].axes[2].size.step' is 0, and no whole number from 1 on"],
  [{ min: 40.5, step: 2 }, "'inputs[0].axes[2].size.min' is 40.5, and no whole number from 1 on"],
  [{ min: 40, step: 2, halo: -1 }, "'outputs[0].axes[2].halo' is -1, and no whole number from 0 on"],
])('sizes that are none are refused by name: %j', async (said, message) => {
  await expect(opened(said)).rejects.toThrow(message);
});
