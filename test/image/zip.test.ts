/** Zip archives as other programs read and write them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { concatenate } from '../../src/array/bytes.ts';
import { crc32 } from '../../src/array/crc32.ts';
import { blobOf, isZip, readZip, writeZip, type ZipInput } from '../../src/image/zip.ts';
import { askPeer, describeWithPeers } from '../support/peers.ts';

const hasUnzip = spawnSync('unzip', ['-v'], { stdio: 'ignore' }).status === 0;
const MOST = 2 ** 30;

const FILES: { readonly [path: string]: Uint8Array } = {
  'nuclei/lamella.json': new TextEncoder().encode('{"version":1}'.repeat(500)),
  'nuclei/images/zelle µ.png': Uint8Array.from({ length: 3000 }, (_, i) => (i * 2654435761) >>> 24),
  'nuclei/empty': new Uint8Array(0),
};

const inputs = (files = FILES): readonly ZipInput[] =>
  Object.entries(files).map(([path, bytes]) => ({ path, stored: path.endsWith('.png'), read: async () => bytes }));

const CHANGED = new Date(2026, 10, 30, 5, 41, 36);

async function zipOf(files?: typeof FILES): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  await writeZip(inputs(files), async (part) => void parts.push(part), CHANGED);
  return concatenate(parts);
}

/** The archive as one of Zip64: with the records of its end, and every entry's sizes and position in extra fields. */
function asZip64(zip: Uint8Array): Uint8Array {
  const view = new DataView(zip.buffer, zip.byteOffset);
  const end = zip.length - 22;
  const [count, at] = [view.getUint16(end + 10, true), view.getUint32(end + 16, true)];
  const entries: Uint8Array[] = [];
  for (let i = 0, from = at; i < count; i++) {
    const length = 46 + view.getUint16(from + 28, true);
    const entry = new Uint8Array(length + 28);
    entry.set(zip.subarray(from, from + length));
    const own = new DataView(entry.buffer);
    const values = [24, 20, 42].map((field) => own.getUint32(field, true));
    for (const field of [24, 20, 42]) own.setUint32(field, 0xffffffff, true);
    own.setUint16(30, 28, true);
    own.setUint16(length, 1, true);
    own.setUint16(length + 2, 24, true);
    for (const [k, value] of values.entries()) own.setBigUint64(length + 4 + 8 * k, BigInt(value), true);
    entries.push(entry);
    from += length;
  }
  const directory = concatenate(entries);
  const tail = new DataView(new ArrayBuffer(56 + 20 + 22));
  tail.setUint32(0, 0x06064b50, true);
  tail.setBigUint64(4, 44n, true);
  tail.setUint16(12, 45, true);
  tail.setUint16(14, 45, true);
  for (const [field, value] of [
    [24, count],
    [32, count],
    [40, directory.length],
    [48, at],
  ] as const) {
    tail.setBigUint64(field, BigInt(value), true);
  }
  tail.setUint32(56, 0x07064b50, true);
  tail.setBigUint64(64, BigInt(at + directory.length), true);
  tail.setUint32(72, 1, true);
  tail.setUint32(76, 0x06054b50, true);
  for (const field of [84, 86]) tail.setUint16(field, 0xffff, true);
  for (const field of [88, 92]) tail.setUint32(field, 0xffffffff, true);
  return concatenate([zip.subarray(0, at), directory, new Uint8Array(tail.buffer)]);
}

async function contentOf(zip: Uint8Array): Promise<{ [path: string]: Uint8Array }> {
  expect(await isZip(blobOf(zip))).toBe(true);
  const found: { [path: string]: Uint8Array } = {};
  for (const { path, read } of await readZip(blobOf(zip), 'a.zip', MOST)) found[path] = await read();
  return found;
}

/** The files of an archive with their checksums and sizes, as `unzip` and Python find them. */
function readByOthers(zip: Uint8Array): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'lamella-zip-'));
  try {
    const file = join(folder, 'a.zip');
    writeFileSync(file, zip);
    if (hasUnzip) expect(execFileSync('unzip', ['-t', file], { encoding: 'utf8' })).toContain('No errors detected');
    return askPeer('read_zip.py', file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describeWithPeers('a zip archive, read by others', () => {
  it('is what was written, of Zip64 too', async () => {
    const facts = Object.entries(FILES).map(([path, bytes]) => [path, [crc32(bytes), bytes.length]]);
    const zip = await zipOf();
    expect(readByOthers(zip)).toEqual(Object.fromEntries(facts));
    expect(readByOthers(asZip64(zip))).toEqual(Object.fromEntries(facts));
  });
});

describe('a zip archive', () => {
  it('is read as it was written, and is the same each time', async () => {
    const zip = await zipOf();
    expect(await contentOf(zip)).toEqual(FILES);
    expect(zip).toEqual(await zipOf());
    expect(zip.length).toBeLessThan(3000 + 1000);
    expect(await contentOf(await zipOf({}))).toEqual({});
  });

  it('says when its files were changed, by the clock on the wall', async () => {
    const view = new DataView((await zipOf()).buffer);
    // Hours, minutes and pairs of seconds; years since 1980, months and days.
    expect(view.getUint16(10, true)).toBe(5 * 2 ** 11 + 41 * 2 ** 5 + 18);
    expect(view.getUint16(12, true)).toBe(46 * 2 ** 9 + 11 * 2 ** 5 + 30);
  });

  it('of Zip64 is read', async () => {
    const zip = asZip64(await zipOf());
    expect(await contentOf(zip)).toEqual(FILES);
  });

  it('of Zip64 whose records are damaged is refused', async () => {
    const zip = asZip64(await zipOf());
    const end = zip.length - 98;
    const damage: readonly (readonly [at: number, value: number])[] = [
      [end, 0],
      // The directory beyond the end of the file; the record elsewhere.
      [end + 54, 1],
      [end + 70, 1],
    ];
    for (const [at, value] of damage) {
      const damaged = zip.slice();
      damaged[at] = value;
      await expect(readZip(blobOf(damaged), 'a.zip', MOST)).rejects.toThrow('truncated or damaged');
    }
    // An entry without the field that it names.
    const without = zip.slice();
    const view = new DataView(without.buffer);
    const directory = Number(view.getBigUint64(end + 48, true));
    view.setUint16(directory + 46 + view.getUint16(directory + 28, true), 2, true);
    await expect(readZip(blobOf(without), 'a.zip', MOST)).rejects.toThrow('is damaged');
  });
});
