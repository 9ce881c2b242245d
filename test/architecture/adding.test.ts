/**
 * Adds a loss, a network, an option, a file format, a score and an op to a copy of the sources, at the places that
 * docs/architecture.md names and at no other, builds it, and runs each.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['src', 'packages', 'test/graph', 'test/support', 'docs/scores.md', 'package.json', 'vitest.config.ts'];

/** A place: a new file, or lines before, after or instead of one that is there. */
type Place = readonly [file: string, text: string, where?: { readonly [W in 'after' | 'before' | 'instead']?: string }];

const LOSS: readonly Place[] = [
  [
    'src/nn/losses/absolute-error.ts',
    `import { isClass, type Loss, weightedMean, withChannel } from './loss.ts';

/** Mean absolute error of the sigmoid of each channel. */
export function absoluteError(): Loss {
  return (b, logits, { labels, weights }) => {
    const truth = b.op('Cast', [isClass(b, labels, logits)], { to: 'float32' });
    const error = b.op('Abs', [b.sub(b.op('Sigmoid', [logits]), truth)]);
    return weightedMean(b, b.op('ReduceMean', [error, b.ints([1])], { keepdims: 1 }), withChannel(b, weights));
  };
}
`,
  ],
  [
    'src/nn/losses/registry.ts',
    "import { absoluteError } from './absolute-error.ts';",
    { before: "import { crossEntropy, sigmoidCrossEntropy } from './cross-entropy.ts';" },
  ],
  [
    'src/nn/losses/registry.ts',
    "  'absolute-error': { make: absoluteError, mean: true, summary: 'mean absolute error' },",
    { after: 'export const LOSSES = {' },
  ],
];

const NETWORK: readonly Place[] = [
  [
    'src/models/tiny.ts',
    `import type { Shape4 } from '../array/ndarray.ts';
import { conv2d } from '../nn/layers.ts';
import { type Network, NetworkBuilder } from '../nn/network.ts';
import type { NetworkDefinition, NetworkSpec } from './definition.ts';
import { paddedSizes } from './sizes.ts';

/** One convolution. */
export interface TinySpec extends NetworkSpec {
  readonly name: 'tiny';
}

function tiny({ numClasses }: TinySpec, shape: Shape4, options?: { training?: boolean }): Network {
  const net = new NetworkBuilder('tiny', options);
  const input = net.input('image', 'float32', shape);
  return net.finish(input, conv2d(net, input, numClasses, { name: 'output' }));
}

export const TINY: NetworkDefinition<TinySpec> = {
  title: 'A single convolution',
  summary: 'a single convolution',
  build: tiny,
  sizes: () => paddedSizes(1),
  options: [],
  typical: { spec: { name: 'tiny', channels: 1, numClasses: 2 }, size: [32, 32] },
  training: {
    loss: { name: 'ce' },
    optimizer: { name: 'sgd' },
    learningRate: 0.01,
    schedule: { name: 'constant' },
    batch: 2,
    minutes: 1,
    patch: 32,
    separation: null,
    clipNorm: null,
    averageDecay: null,
  },
};
`,
  ],
  ['src/models/registry.ts', "import { TINY } from './tiny.ts';", { before: "import { UNET } from './unet.ts';" }],
  ['src/models/registry.ts', '  tiny: TINY,', { after: 'export const MODELS = {' }],
];

const OPTION: readonly Place[] = [
  [
    'src/cli/train-settings.ts',
    "  averageDecay: row('--average <x>', 'decay of the average of the weights', number({ least: 0, most: 1 })),",
    { after: 'export const TRAINING = {' },
  ],
  [
    'src/train/tasks/segmentation/choose-recipe.ts',
    '  readonly averageDecay?: number;',
    { before: '  readonly learningRate?: number;' },
  ],
  [
    'src/train/tasks/segmentation/choose-recipe.ts',
    "  settings: Pick<TrainSettings, 'loss' | 'optimizer' | 'learningRate' | 'schedule' | 'averageDecay'>,",
    { instead: "  settings: Pick<TrainSettings, 'loss' | 'optimizer' | 'learningRate' | 'schedule'>," },
  ],
  [
    'src/train/tasks/segmentation/choose-recipe.ts',
    `  const rate = settings.learningRate ?? learningRate;
  const decay = settings.averageDecay ?? averageDecay;
  return { loss, optimizer, learningRate: rate, schedule, clipNorm, averageDecay: decay };`,
    {
      instead:
        '  return { loss, optimizer, learningRate: settings.learningRate ?? learningRate, schedule, clipNorm, averageDecay };',
    },
  ],
];

const FORMAT: readonly Place[] = [
  [
    'src/image/formats/pgm/read.ts',
    `import { FormatError } from '../../../errors.ts';
import type { Codec } from '../format.ts';

/** Portable graymap, binary, 8 bits. */
export const pgm: Codec = {
  async read(bytes, { file }) {
    const head = String.fromCharCode(...bytes.subarray(0, 64));
    const found = /^P5\\s+(\\d+)\\s+(\\d+)\\s+255\\s/.exec(head);
    if (found === null) throw new FormatError('the header is not that of a PGM of 8 bits.', { file });
    const shape = [Number(found[2]), Number(found[1])];
    const data = Uint8Array.from(bytes.subarray(found[0].length));
    return { dtype: 'uint8', shape, data, axes: 'yx', spacing: {} };
  },
};
`,
  ],
  [
    'src/image/formats/registry.ts',
    `  {
    name: 'PGM',
    extensions: ['pgm'],
    holds: 'pictures',
    matches: (bytes) => startsWith(bytes, 0x50, 0x35),
    load: async () => (await import('./pgm/read.ts')).pgm,
  },`,
    { after: 'export const FORMATS: readonly Format[] = [' },
  ],
];

const SCORE: readonly Place[] = [
  [
    'src/metrics/specificity.ts',
    `/** Share of the pixels outside a class that are predicted outside, 0..1; NaN when all are inside. */
export const specificity = (pixels: { truth: number; predicted: number; shared: number; all: number }): number =>
  (pixels.all - pixels.truth - pixels.predicted + pixels.shared) / (pixels.all - pixels.truth);
`,
  ],
  ['src/metrics/scores.ts', "import { specificity } from './specificity.ts';", { before: '/** One score. */' }],
  [
    'src/metrics/scores.ts',
    "  specificity: { label: 'Specificity', words: ['specificity'], ...higher, of: specificity },",
    { after: 'export const CLASS_SCORES = {' },
  ],
  [
    'docs/scores.md',
    '| specificity | `metrics/specificity.ts` | 0..1, 1 | classes |',
    { after: '| --- | --- | --- | --- |' },
  ],
];

const OP: readonly Place[] = [
  ['src/graph/ops/elementwise.ts', '  Atan: NoAttributes;', { after: '  Softplus: NoAttributes;' }],
  [
    'src/graph/ops/elementwise.ts',
    `  // y = arctan x,  dx = d / (1 + x^2)
  Atan: unary(7, (b, x, _out, d) => b.div(d, b.add(b.mul(x, x), b.scalar(1)))),`,
    { before: "  Softplus: unary(1, (b, x, _out, d) => b.mul(d, b.op('Sigmoid', [x])), 'activation')," },
  ],
  [
    'test/graph/cases.ts',
    `  makeCase('Atan', '', [A], (b, x) => b.op('Atan', [x]), {
    evaluate: ([x]) => (x === undefined ? [] : [{ ...x, data: x.data.map(Math.atan) }]),
  }),`,
    { after: 'export const CASES: readonly Case[] = [' },
  ],
];

/** How many files each may touch; of a score the third is its definition. */
const ADDED: readonly (readonly [what: string, places: readonly Place[], files: number])[] = [
  ['a loss', LOSS, 2],
  ['a network', NETWORK, 2],
  ['a train option', OPTION, 2],
  ['a file format', FORMAT, 2],
  ['a score', SCORE, 3],
  ['an op', OP, 2],
];

let copy = '';
const run = promisify(execFile);
const inCopy = async (script: string, ...args: string[]): Promise<string> => {
  const { stdout } = await run(process.execPath, [script, ...args], { cwd: copy }).catch((failed) => {
    throw new Error(`${script} ${args.join(' ')}\n${failed.stdout}${failed.stderr}`);
  });
  return stdout;
};
const lamella = (...args: string[]): Promise<string> => inCopy('dist/cli/main.js', ...args);

async function put([file, text, where]: Place): Promise<void> {
  const path = join(copy, file);
  if (where === undefined) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return;
  }
  const lines = (await readFile(path, 'utf8')).split('\n');
  const anchor = where.after ?? where.before ?? where.instead ?? '';
  const at = lines.indexOf(anchor);
  if (at < 0) throw new Error(`${file} has no line ${anchor}`);
  lines.splice(where.after === undefined ? at : at + 1, where.instead === undefined ? 0 : 1, ...text.split('\n'));
  await writeFile(path, lines.join('\n'));
}

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'lamella-adding-'));
  const configs = (await readdir(ROOT)).filter((name) => /^tsconfig.*\.json$/.test(name));
  for (const name of [...COPIED, ...configs]) await cp(join(ROOT, name), join(copy, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const place of ADDED.flatMap(([, places]) => places)) await put(place);
  await inCopy('node_modules/typescript/bin/tsc', '-b', 'tsconfig.build.json');
});

afterAll(() => rm(copy, { recursive: true, force: true }));

test.each(ADDED)(
  '%s touches no more files than it may, each named by docs/architecture.md',
  async (_, places, most) => {
    const files = [...new Set(places.map(([file]) => file))];
    expect(files.length).toBeLessThanOrEqual(most);
    const said = (await readFile(join(ROOT, 'docs/architecture.md'), 'utf8')).split('## How to add')[1] ?? '';
    for (const file of files) {
      const name = file.replace(/^src\//, '');
      // Files that are there by their name, new ones by the folder they are put in.
      const named = [name, `${dirname(name)}/`, `${dirname(dirname(name))}/`, name.split('/').at(-1) ?? name];
      expect(
        named.some((form) => said.includes(`\`${form}\``)),
        file,
      ).toBe(true);
    }
  },
);

describe('what was added works', () => {
  test('a run with the loss, the network and the option; the score of its predictions', async () => {
    const help = await lamella('train', '--help');
    for (const word of ['tiny', 'absolute-error', '--average']) expect(help).toContain(word);
    await lamella('phantom', 'data', '--size', '64', '--slices', '4');
    const asked = [
      '--network',
      'tiny',
      '--loss',
      'absolute-error',
      '--average',
      '0.5',
      '--steps',
      '3',
      '--workers',
      '0',
    ];
    await lamella('train', 'data', '--out', 'run', ...asked);
    const { recipe } = JSON.parse(await readFile(join(copy, 'run/config.json'), 'utf8'));
    expect([recipe.model.name, recipe.loss.name, recipe.averageDecay]).toEqual(['tiny', 'absolute-error', 0.5]);
    const scores = await lamella('evaluate', 'data/label', 'data/label', '--metrics', 'overlap');
    expect(scores).toMatch(/Specificity +Dice/);
    expect(scores).toMatch(/ 1\.0000 +1\.0000/);
  });

  test('a file of the format', async () => {
    const pixels = Uint8Array.from({ length: 6 }, (_, i) => 40 * i);
    await writeFile(join(copy, 'small.pgm'), Buffer.concat([Buffer.from('P5\n3 2\n255\n'), pixels]));
    expect(await lamella('inspect', 'small.pgm')).toMatch(/yx 2 x 3\n[\s\S]*0 to 200, mean 100,/);
  });

  test('the op: shape, value, ONNX Runtime, gradient and file', async () => {
    const tests = ['run', 'test/graph/gradient.test.ts', '-t', 'Atan'];
    expect(await inCopy('node_modules/vitest/vitest.mjs', ...tests)).toMatch(/Tests.*4 passed/);
  });
});
