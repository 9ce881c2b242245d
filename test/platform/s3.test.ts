/** Stores in S3, which moto answers for on loopback: it compares rights and signatures as Amazon does. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import { openStoredImage } from '../../src/image/read.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { s3Settings, s3Url, withS3 } from '../../src/platform/node/s3.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { describeWithPeers, peerPython } from '../support/peers.ts';
import { zarrStore } from '../support/zarr.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

describe('addresses and settings', () => {
  it.each([
    ['s3://bucket/a b/ü+(1).zarr', {}, 'https://bucket.s3.us-east-1.amazonaws.com/a%20b/%C3%BC%2B%281%29.zarr'],
    ['S3://dotted.name/a', { AWS_DEFAULT_REGION: 'eu-west-1' }, 'https://s3.eu-west-1.amazonaws.com/dotted.name/a'],
    ['s3://bucket/a', { AWS_ENDPOINT_URL: 'http://minio:9000/' }, 'http://minio:9000/bucket/a'],
    ['s3://b/a', { AWS_ENDPOINT_URL_S3: 'http://one:1', AWS_ENDPOINT_URL: 'http://two:2' }, 'http://one:1/b/a'],
  ])('%s %j', (address, environment, url) => {
    expect(s3Url(address, s3Settings(environment)).href).toBe(url);
  });

  it('of no bucket, and half of the keys, are refused', () => {
    expect(() => s3Url('s3://', s3Settings({}))).toThrow('s3://: this address names no bucket. Use s3://bucket/key.');
    expect(() => s3Settings({ AWS_ACCESS_KEY_ID: 'a' })).toThrow(
      'AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not. Set both, or neither.',
    );
  });

  it('a token of temporary keys is signed with the request; anonymous ones have no signature', async () => {
    const asked: (Readonly<Record<string, string>> | undefined)[] = [];
    const fetch = (environment: NodeJS.ProcessEnv) =>
      withS3(
        async (_, options) => {
          asked.push(options?.headers);
          return new Response('');
        },
        () => s3Settings(environment),
      )('s3://bucket/a', { headers: { Range: 'bytes=0-0' } });
    await fetch({ ...KEYS, AWS_SESSION_TOKEN: 'a token' });
    await fetch({});
    expect(asked[0]).toMatchObject({ Range: 'bytes=0-0', 'x-amz-security-token': 'a token' });
    expect(asked[0]?.Authorization).toContain(
      'SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token',
    );
    expect(asked[1]).toEqual({ Range: 'bytes=0-0' });
  });

  it('another region is named', async () => {
    const answer = async () => new Response('', { status: 301, headers: { 'x-amz-bucket-region': 'eu-north-1' } });
    await expect(withS3(answer, () => s3Settings({}))('s3://bucket/a')).rejects.toThrow(
      's3://bucket/a: this bucket lies in the region eu-north-1, not in us-east-1. Set AWS_REGION=eu-north-1.',
    );
  });
});

describeWithPeers(
  'a store in S3',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamella-s3-'));
    let server: ChildProcess;
    let told: { readonly endpoint: string; readonly keys: Record<'reader' | 'nobody', [string, string]> };
    const numbers = Array.from({ length: 2400 }, (_, i) => i % 251);

    beforeAll(async () => {
      const store = zarrStore([{ shape: [40, 60], chunks: [10, 10], shards: [20, 20] }]);
      const old = zarrStore([{ shape: [40, 60], chunks: [10, 10] }], { version: '0.4' });
      for (const bucket of ['open', 'mine']) {
        for (const [name, bytes] of Object.entries(store)) {
          await nodeFiles.write(join(folder, bucket, 'slides (1)/a b.zarr', name), bytes);
        }
        for (const [name, bytes] of Object.entries(old)) {
          await nodeFiles.write(join(folder, bucket, 'old.zarr', name), bytes);
        }
        const tiff = writeTiff({ ...ndarray('uint8', [40, 60], Uint8Array.from(numbers)), axes: 'yx', spacing: {} });
        await nodeFiles.write(join(folder, bucket, 'a.tif'), tiff);
      }
      server = spawn(peerPython('s3'), ['test/peers/serve_s3.py', folder], { stdio: ['pipe', 'pipe', 'ignore'] });
      told = await new Promise((resolve, reject) => {
        server.on('exit', () => reject(new Error('the server ended')));
        server.stdout?.once('data', (line) => resolve(JSON.parse(String(line))));
      });
    }, 120_000);
    afterAll(() => {
      server?.stdin?.end();
      rmSync(folder, { recursive: true });
    });
    afterEach(() => {
      vi.unstubAllEnvs();
    });

    const as = (who?: 'reader' | 'nobody', secret?: string): void => {
      const [id, own] = who === undefined ? ['', ''] : told.keys[who];
      vi.stubEnv('AWS_ENDPOINT_URL', told.endpoint);
      vi.stubEnv('AWS_REGION', 'eu-west-1');
      vi.stubEnv('AWS_ACCESS_KEY_ID', id);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret ?? own);
    };

    it('that is public is read without keys, and one that is not refused', async () => {
      as();
      expect([...(await readImageFile('s3://open/slides (1)/a b.zarr')).data]).toEqual(numbers);
      expect([...(await readImageFile('s3://open/old.zarr/')).data]).toEqual(numbers);
      const opened = await openStoredImage(nodeFiles, 's3://open/a.tif');
      expect([...((await opened?.read(0))?.data ?? [])]).toEqual(numbers);
      await expect(readImageFile('s3://mine/old.zarr')).rejects.toThrow(
        /^s3:\/\/mine\/old\.zarr\/\.zattrs: S3 refuses access \(403\)\. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/,
      );
      await expect(readImageFile('s3://open/none.zarr')).rejects.toThrow('there is no such file on the server');
    });

    it('is read with keys, by region, and described', async () => {
      await fetch(`${told.endpoint}/moto-api/reset-auth`, {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain' },
        body: '0',
      });
      as('reader');
      expect([...(await readImageFile('s3://mine/slides (1)/a b.zarr')).data]).toEqual(numbers);
      expect([...(await readImageFile('s3://mine/old.zarr')).data]).toEqual(numbers);
      const { text } = await inspect({ files: nodeFiles }, 's3://mine/slides (1)/a b.zarr');
      expect(text).toContain('40 x 60');
      await expect(nodeFiles.write('s3://mine/x.tif', 'x')).rejects.toThrow('files are not written to a web server');
    });

    it('that its keys may not read, or whose secret is wrong, is refused in one sentence', async () => {
      as('nobody');
      await expect(readImageFile('s3://mine/old.zarr')).rejects.toThrow(
        new RegExp(
          `^s3://mine/old.zarr/zarr.json: S3 refuses access to the access key ${told.keys.nobody[0]} \\(AccessDenied\\)\\. Check`,
        ),
      );
      as('reader', 'wrong');
      await expect(readImageFile('s3://mine/old.zarr')).rejects.toThrow('(SignatureDoesNotMatch). Check the keys');
    });
  },
  's3',
);
