/** Medical files in a page: the codecs are WebAssembly turned into JavaScript, and must not need anything of Node. */
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { readDicomSeries, readImage } from '../../src/image/read.ts';
import { launchChromium, whyNoBrowser } from '../browser/harness.ts';
import { dataFolder } from '../support/data.ts';
import { ctSlice } from '../support/dicom.ts';
import { buildPages, type Site, serveSite } from './page-server.ts';
import { consumerFolder } from './snippets.ts';

const SYNTAXES = 'formats/dicom_ct_all_syntaxes/testImages/CTImage.dcm_';
const FILES = {
  jpeg2000: `${SYNTAXES}JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm`,
  jpegLs: `${SYNTAXES}JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm`,
  jpeg: `${SYNTAXES}JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm`,
  lossless: `${SYNTAXES}JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm`,
  deflated: `${SYNTAXES}DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm`,
};
const why = existsSync(dataFolder()) ? whyNoBrowser() : 'no data';
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const sumOf = (data: ArrayLike<number | bigint>) => Array.from(data, Number).reduce((a, b) => a + b, 0);

describe.skipIf(why !== undefined)(`volumes in a page${why === undefined ? '' : ` (SKIPPED: ${why})`}`, () => {
  const slices = [2, 0, 1].map((z) => ctSlice({ z, value: 100 * z }));
  const bytesOf = (name: keyof typeof FILES) => new Uint8Array(readFileSync(join(dataFolder(), FILES[name])));
  let folder: string;
  let site: Site;
  let close: () => Promise<void>;
  let warnings: readonly string[];
  let result: { readonly sums: Readonly<Record<string, number | string>>; readonly nifti: string };

  beforeAll(async () => {
    folder = await consumerFolder();
    const files = Object.fromEntries(
      (Object.keys(FILES) as (keyof typeof FILES)[]).map((name) => [name, base64(bytesOf(name))]),
    );
    const page = `
      import { readDicomSeries, readImage, writeNifti } from 'lamella';
      const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const sums = {};
      for (const [name, text] of Object.entries(${JSON.stringify(files)})) {
        try {
          const { data } = await readImage(bytesOf(text), name + '.dcm');
          sums[name] = Array.from(data, Number).reduce((a, b) => a + b, 0);
        } catch (error) { sums[name] = String(error); }
      }
      const files = ${JSON.stringify(slices.map(base64))}.map((text, i) => new File([bytesOf(text)], i + '.dcm'));
      const series = await readDicomSeries(files.map((file) => ({ name: file.name, read: async () => new Uint8Array(await file.arrayBuffer()) })), 's');
      const bytes = writeNifti(series);
      globalThis.result = { sums, nifti: btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join('')) };`;
    warnings = await buildPages(folder, { volumes: page }, '');
    site = await serveSite(folder);
    const browser = await launchChromium();
    close = () => browser.close();
    const tab = await browser.newPage();
    await tab.goto(`${site.url}volumes.html`);
    await tab.waitForFunction('globalThis.result !== undefined');
    result = await tab.evaluate('globalThis.result');
  });
  afterAll(async () => {
    await close?.();
    await site?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  for (const name of Object.keys(FILES) as (keyof typeof FILES)[]) {
    it(`${name} reads as in Node`, async () => {
      expect(result.sums[name]).toBe(sumOf((await readImage(bytesOf(name), name)).data));
    });
  }
  it('are bundled without a word', () => {
    expect(warnings).toEqual([]);
  });
  it('a series of chosen files becomes the same NIfTI', async () => {
    const files = slices.map((bytes, i) => ({ name: `${i}.dcm`, read: async () => bytes }));
    expect(result.nifti).toBe(base64(writeNifti(await readDicomSeries(files, 's'))));
  });
});
