import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './snippets.ts';

const run = promisify(execFile);

/** As in a shell of its own: without what npm told this process. The CUDA library is not wanted. */
const ENV = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))),
  ONNXRUNTIME_NODE_INSTALL: 'skip',
};
/** Nothing is fetched that the cache has. */
const QUIET = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

/** Of each family an op, attributes that it has and attributes that it has not. */
const OPS_OF_FAMILIES: readonly (readonly [op: string, right: string, wrong: string])[] = [
  ['LeakyRelu', 'alpha: 0.1', "alpha: 'a'"],
  ['ReduceMean', 'keepdims: 1', 'keepdims: 2'],
  ['Transpose', 'perm: [1, 0]', 'perm: 1'],
  ['Concat', 'axis: 1', ''],
  ['Gemm', 'transA: 1', 'transA: true'],
  ['Conv', 'strides: [2, 2]', 'stride: [2, 2]'],
  ['MaxPool', 'kernel_shape: [2, 2]', ''],
  ['LRN', 'size: 5', "size: '5'"],
  ['Resize', "mode: 'linear'", "mode: 'cubic'"],
  ['nchwc.ReorderOutput', 'channels: 8', 'channels: [8]'],
];

async function hasPackages(): Promise<string | undefined> {
  try {
    await run('npm', ['view', 'fflate', 'version', '--prefer-offline', '--fetch-retries=0'], { timeout: 30_000 });
    return undefined;
  } catch {
    return 'npm reaches no registry';
  }
}

const why = await hasPackages();

describe.skipIf(why !== undefined)(`the packed package${why === undefined ? '' : ` (SKIPPED: ${why})`}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamella-pack-'));
    // The package is built already (`npm test` does it); building it again would disturb other tests.
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder, ...QUIET], { cwd: ROOT, env: ENV });
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) as string;
    await mkdir(join(folder, 'app'));
    // The prefix is said since a package in a folder above would otherwise be taken for the project.
    await run('npm', ['install', join(folder, tarball), '--prefix', '.', ...QUIET], {
      cwd: join(folder, 'app'),
      env: ENV,
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const inApp = (file: string, args: readonly string[]) => run(file, args, { cwd: join(folder, 'app'), env: ENV });

  it('holds the built package and its papers, no sources of tests', async () => {
    const installed = join(folder, 'app/node_modules/lamella');
    expect((await readdir(installed)).sort()).toEqual(
      expect.arrayContaining(['CHANGELOG.md', 'LICENSE', 'dist', 'package.json']),
    );
    expect(await readdir(installed)).not.toEqual(expect.arrayContaining(['test']));
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect((await inApp('npx', ['lamella', '--version'])).stdout.trim()).toBe(version);
  });

  it('has a command that works', async () => {
    expect((await inApp('npx', ['lamella', '--help'])).stdout).toMatch(/Usage: lamella .*[\s\S]*train[\s\S]*predict/);
    expect((await inApp('npx', ['lamella', 'phantom', 'data', '--slices', '2'])).stdout).toContain('2 slices');
    const train = ['lamella', 'train', 'data', '--out', 'run', '--steps', '2', '--patch', '32', '--workers', '0'];
    await inApp('npx', [...train, '--depth', '1', '--device', 'cpu']);
    const explained = await inApp('npx', ['lamella', 'explain', 'run', 'data/image/00.png', '--device', 'cpu']);
    expect(explained.stdout).toMatch(/(\d+) of \1 checks passed/);
  });

  it('is imported by a script', async () => {
    await writeFile(
      join(folder, 'app/script.mjs'),
      `import { phantom } from 'lamella/phantom';
       import { dropAlpha } from 'lamella/image';
       import { availableDevices, readImageFile, writeImageFile } from 'lamella/node';
       const { image } = phantom({ depth: 1, width: 32, height: 32 });
       await writeImageFile('p.tif', image);
       console.log(dropAlpha(await readImageFile('p.tif')).shape.join(), availableDevices().includes('cpu'));`,
    );
    expect((await inApp(process.execPath, ['script.mjs'])).stdout.trim()).toBe('32,32 true');
  });

  it.each([
    ['node16', { module: 'node16', moduleResolution: 'node16' }],
    ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('has types for TypeScript with moduleResolution %s', async (_, options) => {
    await writeFile(
      join(folder, 'app/use.mts'),
      `import { type Image, type NdArray, LamellaError, predictImage } from 'lamella';
       import { openModelFile, openRuntime, readImageFile } from 'lamella/node';
       import { drawImage, train } from 'lamella/browser';
       import { explain } from 'lamella/explain';
       import { phantom } from 'lamella/phantom';
       export const explained = async (model: Uint8Array) =>
         explain(await openRuntime(), model, { name: 'a', data: phantom().image.data, channels: 1, height: 256, width: 256 });
       export async function use(canvas: HTMLCanvasElement): Promise<NdArray<'float32'>> {
         const image: Image = await readImageFile('a.png');
         drawImage(canvas, image);
         // @ts-expect-error: there is no such option
         await train([{ image, label: image }], { stepz: 3 });
         if (image.axes === '') throw new LamellaError('no axes');
         return predictImage(await openModelFile('runs/a', { which: 'best' }), image);
       }`,
    );
    // Right and wrong attributes of an op of every family of graph/ops/.
    await writeFile(
      join(folder, 'app/ops.mts'),
      `import type { GraphBuilder, Node, Value } from 'lamella/graph';
       export function build(b: GraphBuilder, x: Value, w: Value, node: Node): void {
         ${OPS_OF_FAMILIES.flatMap(([op, right, wrong]) => [
           `b.op('${op}', [x, w], { ${right} });`,
           `// @ts-expect-error: wrong attributes`,
           `b.op('${op}', [x, w], { ${wrong} });`,
         ]).join('\n')}
         // @ts-expect-error: there is no such op
         b.op('Convolution', [x, w]);
         // @ts-expect-error: there is no such op
         if (node.op === 'Convolution') b.op('Relu', [x]);
       }`,
    );
    const compilerOptions = {
      ...options,
      noEmit: true,
      strict: true,
      target: 'es2023',
      types: [],
      skipLibCheck: false,
    };
    await writeFile(
      join(folder, 'app/tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['use.mts', 'ops.mts'] }),
    );
    const { stdout } = await inApp(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.']).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  });
});
