import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { page } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { readImageFile, writeImageFile } from '../../src/platform/node/image-files.ts';
import { consumerFolder, snippets, withReplaced } from './snippets.ts';

const run = promisify(execFile);

/** Seconds instead of minutes; everything else is run as it stands. */
const SHORT = "out: 'runs/a', steps: 12, baseChannels: 8, depth: 2, patch: [64, 64]";

describe('examples for Node, run against the built package', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await consumerFolder();
    const { image, label } = phantom({ width: 96, height: 80, depth: 5 });
    for (let z = 0; z < 5; z++) {
      await writeImageFile(join(folder, `data/image/${z}.png`), page(image, z));
      await writeImageFile(join(folder, `data/label/${z}.png`), page(label, z));
    }
    await writeFile(join(folder, 'slice.png'), writePng(page(image, 0)));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function output(code: string): Promise<string> {
    const file = join(folder, 'example.mjs');
    await writeFile(file, code);
    return (await run(process.execPath, [file], { cwd: folder })).stdout;
  }

  it('README and docs show ten lines for Node and ten for a page', () => {
    const titles = snippets().map(({ title }) => title);
    for (const name of ['node', 'browser']) {
      expect(titles).toEqual(expect.arrayContaining([`README.md: ${name}`, `docs/library.md: ${name}`]));
    }
    for (const { code } of snippets('node', 'browser')) {
      expect(code.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
    }
  });

  it.each(snippets('node'))('$title: trains on a folder and predicts', async ({ code }) => {
    await rm(join(folder, 'runs'), { recursive: true, force: true });
    const text = await output(withReplaced(code, "out: 'runs/a', minutes: 5", SHORT));
    expect(text).toMatch(/best model after step 12: V-Rand 0\.\d+/);
    expect(await readdir(join(folder, 'runs/a'))).toEqual(
      expect.arrayContaining(['best.onnx', 'config.json', 'last.onnx', 'log.jsonl']),
    );
    const overlay = await readImageFile(join(folder, 'slice-overlay.png'));
    expect([overlay.axes, overlay.shape]).toEqual(['cyx', [3, 80, 96]]);
  });

  it.each(snippets('write'))('$title: an image that is written by region', async ({ code }) => {
    await output(code);
    const image = await readImageFile(join(folder, 'waves.ome.zarr'));
    expect([image.shape, image.levels?.length]).toEqual([[3000, 2000], 4]);
    expect([image.data[0], image.data.at(-1)]).toEqual([0, Math.floor(2999.9995 / 40)]);
  });

  it.each(snippets('engine'))('$title: a project of one image', async ({ code }) => {
    expect(await output(code)).toMatch(/^membranes \[ \d+, \d+ \] 65536\n$/);
  });

  it.each(snippets('quick'))('$title: a model from a few pixels', async ({ code }) => {
    expect(await output(code)).toMatch(/^\[ 'background', 'foreground' \] \[ (1, )?256, 256 \] \d+\n$/);
  });

  it.each(snippets('volume'))('$title: trains a U-Net of volumes, and writes it', async ({ code }) => {
    const lines = (await output(code)).trim().split('\n');
    const losses = lines.map((line) => Number(line.split(' ')[1]));
    expect(losses).toHaveLength(20);
    expect(losses.at(-1)).toBeLessThan(0.9 * (losses[0] as number));
    const { inputs } = readSignature(await readFile(join(folder, 'unet3d.onnx')));
    expect(inputs[0]?.dims).toEqual(['batch', 1, 'depth', 'height', 'width']);
  });

  it.each(snippets('workflows'))(
    '$title: predicts a folder, scores it, and writes the report of a run',
    async ({ code }) => {
      const lines = (await output(code)).trim().split('\n');
      expect(lines.slice(0, 5)).toEqual(
        [0, 1, 2, 3, 4].map((z) => expect.stringMatching(`^data/image/${z}.png \\d+$`)),
      );
      expect(lines[5]).toMatch(/^Dice 0\.\d+$/);
      expect(lines[6]).toMatch(/^runs\/a\/report.html/);
    },
  );

  it.each(snippets('loop'))('$title: the loss of the own loop falls', async ({ code }) => {
    const lines = (await output(`${code}\nconsole.log('bytes', model.length);`)).trim().split('\n');
    const losses = lines.slice(0, 20).map((line) => Number(line.split(' ')[1]));
    expect(losses[0]).toBeCloseTo(Math.log(2), 1);
    expect(losses[19]).toBeLessThan(losses[0] as number);
    expect(Number(lines[20]?.split(' ')[1])).toBeGreaterThan(1000);
  });

  it.each(snippets('network'))("$title: a network and a loss of one's own make a step", async ({ code }) => {
    const text = await output(`${code}\nconsole.log(step.parameters.map(({ value }) => value.name).join());`);
    expect(text.trim()).toBe('conv1/weight,conv1/bias,conv2/weight,conv2/bias,output/weight,output/bias');
  });

  it.each(snippets('session'))('$title: a session is finished and scored', async ({ code }) => {
    expect(await output(code)).toBe('20\n50\n');
  });

  it.each(snippets('image'))('$title: a stack for display', async ({ code }) => {
    expect(await output(code)).toBe('zyx [ 3, 64, 96 ]\n');
  });

  it.each(snippets('objects'))('$title: objects and a score', async ({ code }) => {
    expect((await output(code)).trim().split('\n').map(Number)).toEqual([2, 2, 12 / 14]);
  });

  it.each(snippets('stars-flows'))('$title: two cells from stars and from flows', async ({ code }) => {
    expect(await output(code)).toBe('[ [ 5, 6 ], [ 5, 15 ] ]\n2\n');
  });

  it.each(snippets('measure'))('$title: a table in µm', async ({ code }) => {
    expect(await output(`${code}\nconsole.log(csv.split('\\n')[0].slice(0, 23));`)).toBe(
      '[ 1, 7 ]\n[ 1, 0.25 ]\nlabel,pixels_px,area_um\n',
    );
  });

  it.each(snippets('explain'))('$title: the checks of an explanation pass', async ({ code }) => {
    const text = await output(`${code}\nconsole.log(probabilities.length);`);
    expect(text).toMatch(/\] true\n2\n$/);
  });

  it.each(snippets('extension'))('$title: the page of an extension', async ({ code }) => {
    await output(`${code}\nif (Math.abs(background + foreground - 1) > 1e-5) process.exit(1);`);
    expect(await readFile(join(folder, 'pixel.html'), 'utf8')).toMatch(/<h1>One pixel<\/h1>[\s\S]*data:image\/png/);
  });

  it.each(snippets('demo'))('$title: the perceptron divides points, but not XOR', async ({ code }) => {
    expect(await output(code)).toMatch(/divide: converged: .*\nXOR, .*: did not converge/);
    expect(await readFile(join(folder, 'xor.svg'), 'utf8')).toContain('<animate');
  });

  it.each(snippets('annotate'))('$title: paints, and undoes the polygon', async ({ code }) => {
    const lines = (await output(`${code}\nconsole.log(page.data.filter((label) => label === 1).length);`)).split('\n');
    const [stroke, triangle] = (lines[0] as string).split(' ').map(Number);
    expect([triangle, lines[1], Number(lines[2])]).toEqual([
      (80 * 70) / 2,
      "polygon { image: 's01', slice: 0, box: [ 10, 10, 80, 69 ] }",
      stroke,
    ]);
  });

  it.each(snippets('journal'))('$title: an edit outlives a restart, and its undo too', async ({ code }) => {
    expect(await output(code)).toBe('1200 rectangle\n0\n');
  });

  it.each(snippets('array'))('$title: smooth noise', async ({ code }) => {
    expect(await output(code)).toBe('true\n');
  });

  it.each(snippets('gradient'))('$title: the gradient of a graph', async ({ code }) => {
    expect(await output(`${code}\nprocess.exit(d_x.data.join() === '2,4,6' ? 0 : 1);`)).toContain('square');
  });
});
