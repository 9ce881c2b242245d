import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page as pageOfStack } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import type { Image } from '../../src/image/image.ts';
import { openRuntime } from '../../src/platform/node/runtime.ts';
import { openModel } from '../../src/predict/open.ts';
import { labelImage, overlayImage } from '../../src/predict/output.ts';
import { predictImage } from '../../src/predict/predict.ts';
import { launchChromium, whyNoBrowser } from '../browser/harness.ts';
import { expectAllClose } from '../support/expect-all-close.ts';
import { buildPages, type Site, serveSite } from './page-server.ts';
import { consumerFolder, snippets } from './snippets.ts';

/** Trains on a phantom made in the page, predicts one of its slices, and hands both to the test. */
const TRAINING_PAGE = `
import { page, predictImage } from 'lamella';
import { openModelFile, train } from 'lamella/browser';
import { phantom } from 'lamella/phantom';

globalThis.trainHere = async (device) => {
  const data = phantom({ width: 64, height: 64, depth: 4, seed: 3 });
  const losses = [];
  const lines = [];
  const run = await train(
    [data],
    { steps: 10, baseChannels: 4, depth: 1, patch: [48, 48], learningRate: 0.02, device, threads: 2 },
    { say: (line) => lines.push(line), onEvent: (event) => event.kind === 'step' && losses.push(event.loss) },
  );
  const model = await openModelFile(run.model, { device, threads: 2 });
  const probabilities = await predictImage(model, page(data.image, 0));
  await model.close();
  const text = (bytes) => btoa(Array.from(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), (b) => String.fromCharCode(b)).join(''));
  return { losses, lines, best: run.best, shape: probabilities.shape, model: text(run.model), probabilities: text(probabilities.data) };
};`;

/** The same in a worker, which has no document. */
const WORKER = `
import { phantom } from 'lamella/phantom';
import { train } from 'lamella/browser';
onmessage = async () => {
  const { steps, model } = await train([phantom({ width: 48, height: 48, depth: 2 })], {
    steps: 3, baseChannels: 4, depth: 1, patch: [32, 32], device: 'wasm',
  });
  postMessage({ steps, bytes: model.length });
};`;
const WORKER_PAGE = `
const worker = new Worker(new URL('./training-worker.js', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => { globalThis.result = data; };
worker.onerror = ({ message }) => { globalThis.result = message; };
worker.postMessage('go');`;

/** What goes wrong in a page is said in words. */
const WRONG_PAGE = `
import { phantom } from 'lamella/phantom';
import { drawImage, openModelFile, openRuntime, readImageFile, train } from 'lamella/browser';
const problem = async (action) => {
  try { await action(); return 'nothing'; } catch (error) { return error.name + ': ' + error.message; }
};
const { image } = phantom({ width: 16, height: 16, depth: 1 });
const small = { ...image, axes: 'yx', shape: [16, 16] };
const canvas = document.querySelector('canvas');
drawImage(canvas, small);
globalThis.result = {
  drawn: [canvas.width, canvas.height, canvas.getContext('2d').getImageData(3, 2, 1, 1).data[0], image.data[2 * 16 + 3]],
  problems: [
    await problem(() => readImageFile('/no.png')),
    await problem(() => readImageFile(new File(['<html>'], 'page.png'))),
    await problem(() => openModelFile(new Blob(['no model']), { device: 'wasm' })),
    await problem(() => openRuntime({ device: 'webgpu' })),
    await problem(() => drawImage(canvas, image)),
    await problem(() => train([])),
  ],
};`;

interface TrainedInPage {
  readonly losses: readonly number[];
  readonly lines: readonly string[];
  readonly best: { readonly step: number; readonly score: number };
  readonly shape: readonly number[];
  readonly model: string;
  readonly probabilities: string;
}

const BODY = '<input type="file"><canvas></canvas>';
const predictSnippets = snippets('browser');
const trainSnippets = snippets('browser-train');
const resumeSnippets = snippets('browser-resume');
const why = whyNoBrowser();

describe.skipIf(why !== undefined)(
  `pages, bundled from the built package${why === undefined ? '' : ` (SKIPPED: ${why})`}`,
  () => {
    let folder: string;
    let site: Site;
    let warnings: readonly string[];
    let trained: TrainedInPage | undefined;
    const browsers = new Map<boolean, Browser>();

    beforeAll(async () => {
      folder = await consumerFolder();
      await writeFile(join(folder, 'training-worker.js'), WORKER);
      const modules: Record<string, string> = { training: TRAINING_PAGE, worker: WORKER_PAGE, wrong: WRONG_PAGE };
      predictSnippets.forEach(({ code }, i) => {
        modules[`predict${i}`] = code;
      });
      trainSnippets.forEach(({ code }, i) => {
        modules[`train${i}`] = `${code}\nglobalThis.result = { shape: probabilities.shape, download };`;
      });
      resumeSnippets.forEach(({ code }, i) => {
        modules[`resume${i}`] = `${code}\nglobalThis.result = { steps: run.steps, model: run.model.length, download };`;
      });
      warnings = await buildPages(folder, modules, BODY);
      site = await serveSite(folder);
    });
    afterAll(async () => {
      for (const browser of browsers.values()) await browser.close();
      await site?.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** A page of the site, whose errors fail the test at the end. */
    async function open(name: string, webgpu: boolean): Promise<{ page: Page; errors: string[] }> {
      const browser = browsers.get(webgpu) ?? (await launchChromium({ webgpu }));
      browsers.set(webgpu, browser);
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(`${site.url}${name}.html`);
      return { page, errors };
    }

    const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

    it('are bundled without a word: nothing of Node is in them, and ONNX Runtime brings its own files', async () => {
      expect(warnings).toEqual([]);
      const files = await readdir(join(folder, 'site/assets'));
      const programs = files.filter((name) => name.endsWith('.wasm'));
      // Two of ONNX Runtime, and the decoders of JPEG, JPEG 2000 and JPEG-LS.
      expect(programs.filter((name) => name.startsWith('ort-'))).toHaveLength(2);
      expect(programs).toHaveLength(5);
      expect(files.some((name) => /^sampler-worker-.*\.js$/.test(name))).toBe(true);
      for (const name of files.filter((file) => file.endsWith('.js'))) {
        const code = await readFile(join(folder, 'site/assets', name), 'utf8');
        expect(/(from|import\()\s*["'](node:|onnxruntime-node)/.test(code), name).toBe(false);
      }
    });

    it.each(['wasm', 'webgpu'] as const)(
      'train a small U-Net on %s, which predicts the same in Node',
      async (device) => {
        const { page, errors } = await open('training', device === 'webgpu');
        expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
        const result = (await page.evaluate(`trainHere('${device}')`)) as TrainedInPage;
        expect(errors).toEqual([]);
        expect(result.lines.join('\n')).toContain(device === 'wasm' ? 'device: WASM, 2 threads' : 'device: WebGPU');
        expect(result.losses).toHaveLength(10);
        expect(result.losses[0]).toBeCloseTo(Math.log(2), 1);
        expect(result.losses[9]).toBeLessThan(result.losses[0] as number);

        const runtime = await openRuntime({ device: 'cpu' });
        const model = await openModel(runtime, bytes(result.model));
        const image = pageOfStack(phantom({ width: 64, height: 64, depth: 4, seed: 3 }).image, 0);
        const expected = await predictImage(model, image);
        await runtime.dispose();
        expect(result.shape).toEqual(expected.shape);
        const inPage = bytes(result.probabilities);
        expect(Math.max(...expected.data) - Math.min(...expected.data)).toBeGreaterThan(0.05);
        // Seven convolutions of at most 108 products, summed in another order: some units of 2^-24.
        // Seen: 1.2e-7 on WASM, 1.8e-7 on WebGPU.
        expectAllClose(new Float32Array(inPage.buffer), expected.data, { rtol: 0, atol: 1e-6 });
        if (device === 'wasm') trained = result;
        else if (trained !== undefined) {
          // The same draws on both devices; ten steps of Adam, whose first ones divide by small numbers, spread rounding.
          expectAllClose(result.losses, trained.losses, { rtol: 0, atol: 1e-3 });
        }
      },
      // The software adapter takes seconds for a step.
    );

    it.each(predictSnippets)('$title: predicts the file that the user chooses', async ({ title }) => {
      if (trained === undefined) throw new Error('The model comes from the test above.');
      const lines = predictSnippets.find((s) => s.title === title)?.code.split('\n') ?? [];
      expect(lines.filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
      await writeFile(join(folder, 'site/model.onnx'), bytes(trained.model));
      const image = pageOfStack(phantom({ width: 64, height: 64, depth: 4, seed: 3 }).image, 1);
      const file = join(folder, 'slice.png');
      await writeFile(file, writePng(image));
      const { page, errors } = await open(`predict${predictSnippets.findIndex((s) => s.title === title)}`, false);
      await page.waitForFunction(() => document.querySelector('input')?.onchange !== null);
      await page.setInputFiles('input', file);
      await page.waitForFunction(() => document.querySelector('canvas')?.width === 64);
      const drawn = (await page.evaluate(() => {
        const canvas = document.querySelector('canvas') as HTMLCanvasElement;
        return [...(canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, 64, 64).data];
      })) as number[];
      expect(errors).toEqual([]);

      const runtime = await openRuntime({ device: 'cpu' });
      const labels = labelImage(await predictImage(await openModel(runtime, bytes(trained.model)), image));
      const expected = overlayImage(image, labels) as Image<'uint8'>;
      await runtime.dispose();
      let different = 0;
      for (let p = 0; p < 64 * 64; p++) {
        for (let c = 0; c < 3; c++) if (drawn[4 * p + c] !== expected.data[c * 64 * 64 + p]) different++;
      }
      // A pixel whose two classes are equal but for rounding may fall to either.
      expect(different).toBeLessThan(50);
    });

    it.each(trainSnippets)('$title: trains in the page', async ({ title }) => {
      const { page, errors } = await open(`train${trainSnippets.findIndex((s) => s.title === title)}`, false);
      await page.waitForFunction(() => 'result' in globalThis);
      const { shape, download } = (await page.evaluate('result')) as { shape: number[]; download: string };
      expect(errors).toEqual([]);
      expect(shape).toEqual([2, 6, 96, 96]);
      expect(download).toMatch(/^blob:/);
    });

    it.each(resumeSnippets)(
      '$title: trains into the storage of the page, and finds the run there again',
      async ({ title }) => {
        const { page, errors } = await open(`resume${resumeSnippets.findIndex((s) => s.title === title)}`, false);
        const results = [];
        for (let load = 0; load < 2; load++) {
          if (load > 0) await page.reload();
          await page.waitForFunction(() => 'result' in globalThis);
          const { download, ...result } = (await page.evaluate('result')) as { download: string };
          expect(download).toMatch(/^blob:/);
          results.push(result);
        }
        expect(results[0]).toEqual({ steps: 20, model: expect.any(Number) });
        expect(results[1]).toEqual(results[0]);
        expect(errors).toEqual([]);
      },
    );

    it('train in a Web Worker', async () => {
      const { page, errors } = await open('worker', false);
      await page.waitForFunction(() => 'result' in globalThis);
      expect(await page.evaluate('result')).toEqual({ steps: 3, bytes: expect.any(Number) });
      expect(errors).toEqual([]);
    });

    it('say in a sentence what is wrong', async () => {
      const { page } = await open('wrong', false);
      await page.waitForFunction(() => 'result' in globalThis);
      const { drawn, problems } = (await page.evaluate('result')) as { drawn: number[]; problems: string[] };
      expect(drawn.slice(0, 2)).toEqual([16, 16]);
      expect(drawn[2]).toBe(drawn[3]);
      expect(problems).toEqual([
        'FormatError: /no.png: the server answers 404. Check the address.',
        'FormatError: page.png: this is a web page, which is not supported. Download the image itself.',
        expect.stringMatching(/^(FormatError|ModelError): .*ONNX/),
        "DeviceError: The device 'webgpu' is not available in this browser. Present: wasm.",
        expect.stringMatching(/^UsageError: A canvas does not show uint8 with axes zyx \[1, 16, 16\]\. Make it/),
        'DatasetError: There are no images to train on.',
      ]);
    });
  },
);
