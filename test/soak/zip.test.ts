/** A zip archive beyond 4 GiB, in the long form: written by a project's export, read by others and by ourselves. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { crc32 } from '../../src/array/crc32.ts';
import { readZip, writeZip, type ZipInput } from '../../src/image/zip.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { askPeer, describeWithPeers } from '../support/peers.ts';
import { timeoutMs, timesOf } from '../support/soak.ts';

const GIB = timesOf('GIB', 0.05);
const PARTS = 10;
const part = new Uint8Array(Math.round((GIB / PARTS) * 2 ** 30));
const text = new TextEncoder().encode('behind all that'.repeat(100));

function* inputs(): Generator<ZipInput> {
  for (let i = 0; i < PARTS; i++) yield { path: `images/${i}.tif`, stored: true, read: async () => part };
  yield { path: 'lamella.json', stored: false, read: async () => text };
}

describeWithPeers(`a zip archive of ${GIB} GiB`, () => {
  let folder: string;
  let file: string;
  beforeAll(
    async () => {
      folder = await mkdtemp(join(tmpdir(), 'lamella-large-zip-'));
      file = join(folder, 'a.zip');
      const to = await open(file, 'w');
      try {
        await writeZip(inputs(), async (bytes) => void (await to.writeFile(bytes)), new Date());
      } finally {
        await to.close();
      }
    },
    timeoutMs(GIB, 60),
  );
  afterAll(() => rm(folder, { recursive: true }));

  it(
    'is read by Python and unzip',
    () => {
      const images = Array.from({ length: PARTS }, (_, i) => [`images/${i}.tif`, [crc32(part), part.length]]);
      const facts = Object.fromEntries([...images, ['lamella.json', [crc32(text), text.length]]]);
      expect(askPeer('read_zip.py', file)).toEqual(facts);
      expect(execFileSync('unzip', ['-t', file], { encoding: 'utf8' })).toContain('No errors detected');
    },
    timeoutMs(GIB, 60),
  );

  it(
    'is read by its directory, without the rest',
    async () => {
      const entries = await readZip(await studioHost(folder).content('a.zip'), 'a.zip', 2 ** 31);
      expect(entries.length).toBe(PARTS + 1);
      expect(await entries.at(-1)?.read()).toEqual(text);
      expect((await entries.at(-2)?.read())?.length).toBe(part.length);
    },
    timeoutMs(GIB, 30),
  );
});
