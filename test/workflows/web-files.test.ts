/** OME-Zarr stores on a web server, which counts what is asked for. */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinPath } from '../../src/files.ts';
import { openOmeZarr } from '../../src/image/read.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { below, zarrStore } from '../support/zarr.ts';

const sharded = zarrStore([
  { shape: [40, 60], chunks: [10, 10], shards: [20, 20] },
  { shape: [20, 30], chunks: [10, 10], scale: [2, 2] },
]);
const files: Record<string, Uint8Array> = {
  ...below('a.zarr', sharded),
  ...below('b.zarr', zarrStore([{ shape: [5, 7], chunks: [2, 4] }], { version: '0.4' })),
  ...below('cut.zarr', { ...sharded, '0/c/0/0': (sharded['0/c/0/0'] as Uint8Array).slice(0, 300) }),
};
let server: Server;
let root: string;
let asked: { readonly path: string; readonly bytes: number }[] = [];
/** Whether the server knows ranges. */
let ranges = true;

function rangeOf({ headers }: IncomingMessage, size: number): readonly [number, number] | undefined {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(ranges ? (headers.range ?? '') : '') ?? [];
  return from === undefined ? undefined : [Number(from), Math.min(Number(to), size - 1)];
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = decodeURIComponent((request.url as string).slice(1));
    const bytes = files[path];
    if (path.startsWith('secret')) return response.writeHead(403).end();
    if (bytes === undefined) return response.writeHead(404).end();
    const range = rangeOf(request, bytes.length);
    const sent = range === undefined ? bytes : bytes.subarray(range[0], range[1] + 1);
    asked.push({ path, bytes: sent.length });
    const headers = range && { 'Content-Range': `bytes ${range[0]}-${range[1]}/${bytes.length}` };
    return response.writeHead(range === undefined ? 200 : 206, headers).end(sent);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i % 251);

describe('a store on a web server', () => {
  it.each([true, false])('is read whole, with ranges: %s', async (known) => {
    ranges = known;
    expect([...(await readImageFile(`${root}/a.zarr`)).data]).toEqual(numbers(2400));
    expect([...(await readImageFile(`${root}/b.zarr/`)).data]).toEqual(numbers(35));
    expect((await readImageFile(`${root}/a.zarr`, { level: 1 })).shape).toEqual([20, 30]);
    ranges = true;
  });

  it('is described', async () => {
    const { text } = await inspect({ files: nodeFiles }, `${root}/a.zarr`);
    expect(text).toMatch(/level 1 +20 x 30/);
  });

  it('gives of a region the chunks that it lies in, not their shards', async () => {
    const source = await openOmeZarr(nodeFiles, `${root}/a.zarr`);
    asked = [];
    const { data } = await source.read(0, { start: [5, 25], shape: [2, 2] });
    expect([...data]).toEqual([5 * 60 + 25, 5 * 60 + 26, 6 * 60 + 25, 6 * 60 + 26].map((n) => n % 251));
    // Its length, its index of four chunks with a checksum, and one chunk of 100 bytes.
    expect(asked).toEqual([1, 68, 100].map((bytes) => ({ path: 'a.zarr/0/c/0/1', bytes })));
  });

  it('gives chunks that lie side by side in their shard at once', async () => {
    const source = await openOmeZarr(nodeFiles, `${root}/a.zarr`);
    asked = [];
    const { data } = await source.read(0, { start: [0, 20], shape: [20, 25] });
    expect([...data.subarray(475)]).toEqual(Array.from({ length: 25 }, (_, x) => (19 * 60 + 20 + x) % 251));
    // Four chunks of the first shard together; of the second the two that the region touches, which are apart.
    const one = [1, 68, 400].map((bytes) => ({ path: 'a.zarr/0/c/0/1', bytes }));
    const two = [1, 68, 100, 100].map((bytes) => ({ path: 'a.zarr/0/c/0/2', bytes }));
    expect(asked.filter(({ path }) => path.endsWith('1'))).toEqual(one);
    expect(asked.filter(({ path }) => path.endsWith('2'))).toEqual(two);
  });

  it('that is cut off is refused', async () => {
    await expect(readImageFile(`${root}/cut.zarr`)).rejects.toThrow(/cut\.zarr\/0\/c\/0\/0: .*the checksum is wrong/);
  });

  it('that is not there, forbidden, or out of reach is told so', async () => {
    await expect(readImageFile(`${root}/none.zarr`)).rejects.toThrow('none.zarr: there is no such file on the server');
    await expect(readImageFile(`${root}/secret.zarr`)).rejects.toThrow('the server answers 403');
    await expect(readImageFile('http://127.0.0.1:9/a.zarr')).rejects.toThrow('this address cannot be reached');
  });

  it.each(['s3://', 'https://'])('of an address without a server or bucket, as %s, is refused', async (address) => {
    await expect(readImageFile(address)).rejects.toThrow(`${address}: this address names no server and no bucket.`);
  });

  it('is not written to', async () => {
    await expect(nodeFiles.write(`${root}/x.tif`, 'x')).rejects.toThrow('files are not written to a web server');
  });
});

it('addresses keep their slashes', () => {
  expect(joinPath('https://host//a', 'b')).toBe('https://host/a/b');
  expect(joinPath('a//b', '.', 'c')).toBe('a/b/c');
});
