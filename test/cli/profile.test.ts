import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lamella } from './command.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-profile-'));
});
afterAll(() => rm(root, { recursive: true }));

interface Told {
  readonly parameters: number;
  readonly macs: number;
  readonly bytes: number;
  readonly ms: number;
}

describe('profile', () => {
  test.each([
    // n2: conv 4x4, pool, conv 5x5, pool, 432 to 200 to 2. Multiplications by its table.
    [['n2'], 145_466, 48 * (20 ** 2 * 16 + 6 ** 2 * 48 * 25) + 432 * 200 + 200 * 2, false],
    // At every pixel at once of 30 x 30 in a frame of 52 x 52: 49, then 49 - 1 - 8 = 40, then 40 - 2 - 8 = 30 pixels.
    [['n2', '--size', '30'], 145_466, 48 * (49 ** 2 * 16 + 40 ** 2 * 48 * 25) + 30 ** 2 * (432 * 200 + 200 * 2), true],
    [['mlp', '--runs', '2'], 669_706, 668_672, false],
  ])('%s: sums equal independent ones', async (args, parameters, macs, dense) => {
    const { stdout, stderr } = await lamella(['profile', ...args, '--json']);
    expect(stderr).toBe('');
    const told = JSON.parse(stdout) as { layers: readonly (Told & { share: number })[]; total: Told; dense: boolean };
    const sum = (of: 'ms' | 'parameters' | 'macs' | 'bytes' | 'share') =>
      told.layers.reduce((total, layer) => total + layer[of], 0);
    expect(told.dense).toBe(dense);
    expect(sum('parameters')).toBe(parameters);
    expect(sum('macs')).toBe(macs);
    expect(told.total).toMatchObject({ parameters, macs, bytes: sum('bytes') });
    expect(sum('ms')).toBeCloseTo(told.total.ms, 6);
    expect(sum('share')).toBeCloseTo(1, 9);
    // Every layer with weights was found in the trace.
    for (const layer of told.layers) if (layer.macs > 0) expect(layer.ms).toBeGreaterThan(0);
  });

  test('prints a row a layer', async () => {
    const { stdout } = await lamella(['profile', 'n1', '--runs', '1']);
    expect(stdout).toMatch(/^n1: input 1 x 1 x 9 x 9; CPU/);
    expect(stdout).toMatch(/conv1 +Conv +1 x 48 x 6 x 6 +816 +27\.6 k/);
    expect(stdout).toMatch(/total +87,818 /);
    expect(stdout).toMatch(/one run takes .* ms \(mean of 1\)/);
  });

  test.each([
    ['nn', 2, /Unknown network, run folder or file 'nn'\. Networks: unet, .*n4.*alexnet\./],
    ['./no.onnx', 1, /no\.onnx: there is no such file/],
    ['unet', 2, /A size of 100 x 100 does not fit the network 'unet'/],
  ])('refuses %s', async (what, exitCode, message) => {
    const { code, stderr } = await lamella(['profile', what, ...(what === 'unet' ? ['--size', '100'] : [])]);
    expect(stderr).toMatch(message);
    expect(code).toBe(exitCode);
  });
});

describe('inspect', () => {
  test('takes the name of a network and draws it', async () => {
    const svg = join(root, 'n4.svg');
    const { stdout, code } = await lamella(['inspect', 'n4', '--svg', svg]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/parameters +219,290/);
    expect(stdout).toMatch(/MACs +121\.5 M for \[1, 1, 95, 95\]/);
    expect(stdout).toMatch(/conv2 \(Conv\) -> \[1, 48, 42, 42\], 57,648 parameters, 101\.6 M/);
    expect(await readFile(svg, 'utf8')).toMatch(/^<svg .*conv 5x5/s);
  });
  test('says which names there are', async () => {
    const { stderr, code } = await lamella(['inspect', 'n5']);
    expect(stderr).toMatch(
      /n5: there is no such file or folder\. .*name of a network: unet, unet2015, unet3d, filter-bank, n1/,
    );
    expect(code).toBe(1);
  });
});
