/**
 * S28: the server of `lamella studio` survives whatever is sent to it, and reads and writes nothing outside of its folders.
 * What a stranger would try on purpose is in `test/studio/server.test.ts`.
 */

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { studioHost } from 'lamella/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type StudioServer, startStudioServer } from '../../../src/platform/node/studio-server.ts';
import { SOCKET_PATH, SOCKET_PROTOCOL } from '../../../src/studio/socket-channel.ts';
import { strangeHeader } from '../../../test/studio/strange-messages.ts';
import { isLong } from './studio-page.ts';

const MESSAGES = isLong ? 100_000 : 2000;
const REQUESTS = isLong ? 20_000 : 300;
/** As many at a time. */
const BATCH = 500;

let root: string;
let server: StudioServer;
let port: number;
let token: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'lamella-server-'));
  for (const folder of ['page', 'projects']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'page/index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(root, 'secret.html'), 'secret');
  server = await startStudioServer({ host: studioHost(join(root, 'projects')), page: join(root, 'page') });
  const address = new URL(server.address);
  port = Number(address.port);
  token = address.hash.slice(1);
});
afterAll(async () => {
  await server?.close();
  rmSync(root, { recursive: true, force: true });
});

function ask(
  path: string,
  headers: { readonly [name: string]: string } = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** That the server still answers, and nothing was read or written outside of its folders. */
async function expectUnharmed(): Promise<void> {
  expect((await ask('/')).status).toBe(200);
  expect(readdirSync(root).sort()).toEqual(['page', 'projects', 'secret.html']);
}

async function openSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${SOCKET_PATH}`, [SOCKET_PROTOCOL, token]);
  await once(socket, 'open');
  return socket;
}

function frame(header: unknown): Uint8Array {
  const text = Buffer.from(JSON.stringify({ sizes: [], header }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text]);
}

it(`S28: ${MESSAGES} random messages end neither the server nor the connection`, async () => {
  const socket = await openSocket();
  let answers = 0;
  socket.on('message', () => answers++);
  for (let sent = 0; sent < MESSAGES; sent += BATCH) {
    for (const header of fc.sample(strangeHeader(), BATCH)) socket.send(frame(header));
    // What was sent is taken before more is.
    const before = answers;
    socket.send(frame({ v: 1, id: 2 ** 40 + sent, call: 'describe', args: [] }));
    await expect.poll(() => answers).toBeGreaterThan(before);
  }
  expect(socket.readyState).toBe(WebSocket.OPEN);
  expect(answers).toBeGreaterThan(MESSAGES / 100);
  socket.terminate();
  await expectUnharmed();
});

it(`S28: ${MESSAGES / 10} frames of random bytes end the connection at most`, async () => {
  let opened = 0;
  let socket = await openSocket();
  for (const bytes of fc.sample(fc.uint8Array({ maxLength: 64 }), MESSAGES / 10)) {
    if (socket.readyState !== WebSocket.OPEN) {
      socket = await openSocket();
      opened++;
    }
    const closed = once(socket, 'close');
    socket.send(bytes);
    const [code] = await closed;
    expect([1006, 1007]).toContain(code);
  }
  expect(opened).toBe(MESSAGES / 10 - 1);
  await expectUnharmed();
});

it(`S28: ${REQUESTS} requests with random paths and headers read nothing`, async () => {
  const own = /^(?:transfer-encoding|content-length|expect|connection|upgrade|host|te|trailer|keep-alive)$/;
  const requests = fc.tuple(fc.stringMatching(/^[a-z-]{1,20}$/), fc.stringMatching(/^[ -~]{0,60}$/));
  for (const [name, value] of fc.sample(requests, REQUESTS)) {
    const { status, body } = await ask(`/${encodeURI(value)}`, own.test(name) ? {} : { [name]: value });
    expect([200, 400, 403, 404]).toContain(status);
    expect(body).not.toContain('secret');
  }
  await expectUnharmed();
});
