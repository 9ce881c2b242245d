/** How fast this page's devices train, kept in its private storage (OPFS). */

import { env } from 'onnxruntime-common';
import { keptSpeeds } from '../../train/kept-speeds.ts';
import { fileOf, openFolder, putFile } from './opfs.ts';

/** Beside the runs of the page. */
const FOLDER = ['lamella-cache'];
const FILE = 'device-speeds.json';

export const deviceSpeeds = keptSpeeds({
  // The storage is that of one browser on one machine.
  nameOf: ({ description }) =>
    [description, `${navigator.hardwareConcurrency} cores`, `onnxruntime ${env.versions.common}`].join('; '),
  async read() {
    const folder = await openFolder(FOLDER, { create: false });
    const file = folder && (await fileOf(folder, FILE));
    return file && new Uint8Array(await file.arrayBuffer());
  },
  async write(content) {
    const folder = await openFolder(FOLDER, { create: true });
    if (folder !== undefined) await putFile(folder, FILE, content, { keep: false });
  },
  nowMs: Date.now,
});
