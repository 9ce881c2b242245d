/** S31: the engine of a tab trains on WebGPU as it does on WASM; here by Chromium's software adapter, so the network is tiny. */

import { unzipSync } from 'fflate';
import { page as pageOf, writePng } from 'lamella';
import { phantom } from 'lamella/phantom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserSession, openBrowser } from '../../../test/browser/harness.ts';
import { isLong, whyNoPage } from './studio-page.ts';

const why = whyNoPage ?? (isLong ? undefined : 'npm run test:studio');
const PAGE = 'test/studio/page.ts';
const STEPS = 5;
const SLICES = 4;
const { image, label } = phantom({ width: 32, height: 32, depth: SLICES, cellPx: 12, seed: 5 });
const files = Object.fromEntries(
  Array.from({ length: SLICES }, (_, z) => [
    [`images/${z}.png`, [...writePng(pageOf(image, z))]],
    [`labels/${z}.png`, [...writePng(pageOf(label, z))]],
  ]).flat(),
);

describe.skipIf(why !== undefined)(`S31 WebGPU${why === undefined ? '' : ` (${why})`}`, () => {
  let session: BrowserSession;
  beforeAll(async () => {
    session = await openBrowser({ webgpu: true });
  });
  afterAll(() => session?.close());

  /** The losses of a short training in a tab of its own. */
  async function lossesOn(device: string): Promise<readonly number[]> {
    const tab = await session.newPage();
    await tab.call(PAGE, 'start', { device });
    const { zip, problems } = await tab.call<{ zip: string; problems: unknown }>(PAGE, 'trainAndExport', files, {
      steps: STEPS,
      settings: { seed: 0, baseChannels: 4, depth: 1, patch: [16, 16], batch: 1 },
      from: 'scratch',
    });
    expect([problems, tab.errors]).toEqual([[], []]);
    const unzipped = unzipSync(Buffer.from(zip, 'base64'));
    await tab.page.close();
    const text = (name: string): string => Buffer.from(unzipped[`trained/runs/1/${name}`] as Uint8Array).toString();
    expect(JSON.parse(text('config.json')).machine.device).toBe(device);
    const lines = text('log.jsonl').trim().split('\n');
    return lines.map((line) => JSON.parse(line)).flatMap(({ kind, loss }) => (kind === 'step' ? loss : []));
  }

  it('gives the losses of WASM', async () => {
    const [wasm, webgpu] = [await lossesOn('wasm'), await lossesOn('webgpu')];
    expect(wasm).toHaveLength(STEPS);
    expect(webgpu).toHaveLength(STEPS);
    const worst = Math.max(...wasm.map((loss, i) => Math.abs(loss - webgpu[i])));
    console.log(`S31: losses of WASM and WebGPU in software differ by at most ${worst.toExponential(1)}`);
    expect(worst).toBeLessThan(1e-3);
  });
});

it.skip('S31: a preview of 512 x 512 by a U-Net of 32 channels takes 100 ms at most (SKIPPED: needs a browser on a real GPU)', () => {});
