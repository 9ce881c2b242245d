/**
 * S32: what the page loads, compressed: the start screen; and all scripts, without codecs, ONNX Runtime's and the charts of
 * reports with their document, which are loaded when something is measured.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';

const PAGE = fileURLToPath(new URL('../../../dist/studio/page', import.meta.url));
const START_KB = 160;
const WORK_KB = 500;

const compressedKb = (files: readonly string[]): number =>
  files.reduce((sum, file) => sum + gzipSync(readFileSync(`${PAGE}/${file}`)).length, 0) / 1000;

it('S32: stays within its budget of bytes', () => {
  const html = readFileSync(`${PAGE}/index.html`, 'utf8');
  const start = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, file]) => file);
  expect(start.length).toBeGreaterThanOrEqual(2);
  const scripts = readdirSync(`${PAGE}/assets`).filter((name) => name.endsWith('.js'));
  const own = scripts.filter((name) => !/^(?:charls|openjpeg|libjpegturbo|lossless|ort\.|measuring)/.test(name));
  expect(own.length).toBeLessThan(scripts.length);
  const [first, work] = [compressedKb(start), compressedKb(own.map((name) => `assets/${name}`))];
  console.log(
    `S32: ${first.toFixed(0)} kB for the start screen, ${work.toFixed(0)} kB until something is measured, compressed`,
  );
  expect(first).toBeLessThanOrEqual(START_KB);
  expect(work).toBeLessThanOrEqual(WORK_KB);
});
