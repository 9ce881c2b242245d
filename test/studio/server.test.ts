/** What a stranger can try with the server of `lamella studio`, and what the page does. */

import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { phantom } from '../../packages/phantom/phantom.ts';
import { page as pageOf } from '../../src/image/convert.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { studioHost } from '../../src/platform/node/studio-host.ts';
import { type StudioServer, startStudioServer } from '../../src/platform/node/studio-server.ts';
import { connect } from '../../src/studio/connect.ts';
import type { Engine } from '../../src/studio/engine.ts';
import { SOCKET_PATH, SOCKET_PROTOCOL, type SocketLike, socketChannel } from '../../src/studio/socket-channel.ts';
import { openPainter } from './painter.ts';

let root: string;
let server: StudioServer;
let port: number;
let token: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamella-server-'));
  await mkdir(join(root, 'page/assets'), { recursive: true });
  await mkdir(join(root, 'projects'));
  await writeFile(join(root, 'page/index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(root, 'page/assets/a.js'), 'export {};');
  await writeFile(join(root, 'secret.html'), 'secret');
  await writeFile(join(root, 'secret.png'), 'secret');
  await symlink(join(root, 'secret.html'), join(root, 'page/link.html'));
  server = await startStudioServer({ host: studioHost(join(root, 'projects')), page: join(root, 'page') });
  const address = new URL(server.address);
  port = Number(address.port);
  token = address.hash.slice(1);
});
afterAll(async () => {
  await server?.close();
  await rm(root, { recursive: true, force: true });
});

const hasLoopback6 = (): boolean =>
  Object.values(networkInterfaces()).some((own) => own?.some(({ address }) => address === '::1'));

type Headers = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: unknown };
  readonly body: string;
}

/** A request whose path is sent as it is, which `fetch` would tidy up. */
function ask(path: string, headers: Headers = {}, method = 'GET', at = '127.0.0.1'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked: ClientRequest = request({ host: at, port, path, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Opens a socket. @returns the status that refused it, or it */
function openSocket(
  protocols: readonly string[],
  headers: Headers = {},
  path = SOCKET_PATH,
  at = '127.0.0.1',
): Promise<number | WebSocket> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${at}:${port}${path}`, [...protocols], { headers });
    socket.binaryType = 'arraybuffer';
    socket.on('open', () => resolve(socket));
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => undefined);
  });
}

async function openEngine(): Promise<Engine> {
  const socket = await openSocket([SOCKET_PROTOCOL, token]);
  return connect(socketChannel(socket as unknown as SocketLike));
}

/** That the server still answers, and nothing was read or written outside of its folders. */
async function expectUnharmed(): Promise<void> {
  expect((await ask('/')).status).toBe(200);
  expect((await readdir(root)).sort()).toEqual(['page', 'projects', 'secret.html', 'secret.png']);
}

describe('files', () => {
  it('are those of the page, with headers that keep it to itself', async () => {
    const { status, headers, body } = await ask('/');
    expect([status, body]).toEqual([200, '<!doctype html><title>page</title>']);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${port};`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(await ask('/assets/a.js')).toMatchObject({ status: 200, body: 'export {};' });
    expect((await ask('/', {}, 'HEAD')).body).toBe('');
  });

  it('and those of ONNX Runtime', async () => {
    const names = await readdir('node_modules/onnxruntime-web/dist');
    const wasm = names.find((name) => name.endsWith('.wasm')) as string;
    const { status, headers } = await ask(`/ort/${wasm}`, {}, 'HEAD');
    expect([status, headers['content-type']]).toEqual([200, 'application/wasm']);
    expect((await ask('/ort/../package.json')).status).toBe(404);
    expect((await ask('/ort/%2e%2e/package.json')).status).toBe(404);
  });

  it.each([
    '/../secret.html',
    '/%2e%2e/secret.html',
    '/..%2fsecret.html',
    '/%2e%2e%2fsecret.html',
    '/..%5csecret.html',
    '/assets/../../secret.html',
    '//secret.html',
    '/link.html',
    '/secret.html%00.js',
    '/%00',
    '/%',
    '/%c0%ae%c0%ae/secret.html',
    '/assets',
    '/file:///etc/passwd',
    '/missing.js',
  ])('%s is not found', async (path) => {
    const { status, body } = await ask(path);
    expect([status, body]).toEqual([404, '404\n']);
  });

  it('an absolute address is not followed', async () => {
    const text = await new Promise<string>((resolve) => {
      const socket = connectSocket(port, '127.0.0.1', () => {
        socket.write(
          `GET http://evil.test/../secret.html HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
        );
      });
      let all = '';
      socket.on('data', (part) => {
        all += part;
      });
      socket.on('end', () => resolve(all));
    });
    expect(text).toMatch(/^HTTP\/1.1 404/);
    await expectUnharmed();
  });

  it('are given to pages of this server only', async () => {
    const foreign: readonly Headers[] = [
      { host: 'evil.test' },
      { host: `evil.test:${port}` },
      { host: '127.0.0.1' },
      { host: `127.0.0.1:${port + 1}` },
      { origin: 'http://evil.test' },
      { origin: 'null' },
      { origin: `https://127.0.0.1:${port}` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of foreign) {
      expect([headers, (await ask('/', headers)).status]).toEqual([headers, 403]);
    }
    const own = { host: `localhost:${port}`, origin: `http://localhost:${port}`, 'sec-fetch-site': 'same-origin' };
    expect((await ask('/', own)).status).toBe(200);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await ask('/', {}, method)).status).toBe(405);
  });
});

describe('the socket', () => {
  it('is for those who know the token, from a page of this server', async () => {
    const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    for (const protocols of [
      [],
      [SOCKET_PROTOCOL],
      [token],
      [SOCKET_PROTOCOL, wrong],
      [SOCKET_PROTOCOL, token, 'more'],
      [token, SOCKET_PROTOCOL],
    ]) {
      expect([protocols, await openSocket(protocols)]).toEqual([protocols, 403]);
    }
    const right = [SOCKET_PROTOCOL, token];
    const foreign: readonly Headers[] = [
      { Host: 'evil.test' },
      { Origin: 'http://evil.test' },
      { Origin: `http://127.0.0.1:${port + 1}` },
      { 'Sec-Fetch-Site': 'cross-site' },
    ];
    for (const headers of foreign) {
      expect([headers, await openSocket(right, headers)]).toEqual([headers, 403]);
    }
    expect(await openSocket(right, {}, '/api/other')).toBe(404);
    expect(await openSocket(right, {}, `${SOCKET_PATH}?token=${token}`)).toBe(404);
    const opened = (await openSocket(right, { Origin: `http://127.0.0.1:${port}` })) as WebSocket;
    expect(opened.protocol).toBe(SOCKET_PROTOCOL);
    opened.close();
  });

  it('is for sixteen at a time', async () => {
    const opened = await Promise.all(Array.from({ length: 16 }, () => openSocket([SOCKET_PROTOCOL, token])));
    expect(opened.every((socket) => socket instanceof WebSocket)).toBe(true);
    expect(await openSocket([SOCKET_PROTOCOL, token])).toBe(503);
    for (const socket of opened) (socket as WebSocket).close();
    await expect
      .poll(async () => {
        const socket = await openSocket([SOCKET_PROTOCOL, token]);
        if (socket instanceof WebSocket) socket.close();
        return socket instanceof WebSocket;
      })
      .toBe(true);
  });

  it('closes at what is no message, and at frames that are too large', async () => {
    for (const frame of [
      '{"v":1,"id":1,"call":"describe","args":[]}',
      new Uint8Array([1, 2]),
      new Uint8Array(100),
      new Uint8Array(65 * 2 ** 20),
    ]) {
      const socket = (await openSocket([SOCKET_PROTOCOL, token])) as WebSocket;
      const closed = new Promise<number>((resolve) => socket.on('close', resolve));
      socket.send(frame);
      expect([1007, 1009, 1006]).toContain(await closed);
    }
    await expectUnharmed();
  });

  it('reads and writes nothing outside of the folder of projects, whatever it is asked', async () => {
    const { image } = phantom({ width: 32, height: 32, depth: 1, cellPx: 16, seed: 1 });
    const png = writePng(pageOf(image, 0));
    const engine = await openEngine();
    for (const id of ['..', '.', '', '/etc', '../page', 'a/../../page', 'x\0', '..\\page', '.hidden']) {
      await expect(engine.open(id)).rejects.toMatchObject({ name: expect.stringMatching(/UsageError|DatasetError/) });
      await expect(engine.forget(id)).rejects.toMatchObject({ name: expect.stringMatching(/UsageError|DatasetError/) });
    }
    const { id } = await engine.create('../../escaped');
    expect(id).toBe('escaped');
    await expect(engine.addFiles([{ path: '../x.png', content: png }])).rejects.toThrow('no path or no content');
    await engine.addFiles([{ path: 'images/a.png', content: png }]);
    for (const prediction of ['..', '../..', 'predictions/../../..', '/etc', 'predictions/1/..']) {
      await expect(engine.segmented(prediction, 'a', 0)).rejects.toThrow('no prediction');
      await expect(engine.measure(prediction)).rejects.toThrow('no prediction');
    }
    await expect(engine.segment({ run: '../../x' })).rejects.toThrow('no run');
    await expect(engine.train({ from: { run: '/etc' }, steps: 1 })).rejects.toThrow('no run');
    await expect(engine.train({ from: 'scratch', settings: { out: '/tmp/x' } })).rejects.toThrow(
      "Unknown setting 'out'",
    );

    // Images that a project lists elsewhere, by a path or a link.
    const file = join(root, 'projects', id, 'lamella.json');
    const project = JSON.parse(await readFile(file, 'utf8'));
    await engine.close();
    await symlink(join(root, 'secret.png'), join(root, 'projects', id, 'images/link.png'));
    project.images.push({ id: 'up', file: '../../secret.png' }, { id: 'link', file: 'images/link.png' });
    await writeFile(file, JSON.stringify(project));
    project.runs = [{ folder: '../../page' }];
    await writeFile(file, JSON.stringify(project));
    const { images, problems } = await engine.open(id);
    expect(images.map((one) => one.id)).toEqual(['a']);
    for (const use of [{ run: '../../page' }, {}]) {
      await expect(engine.segment(use)).rejects.toThrow('outside of the folder of projects');
    }
    const elsewhere = { from: { run: '../../page' }, steps: 1 };
    await expect(engine.train(elsewhere)).rejects.toThrow('outside of the folder of projects');
    expect(problems.map(({ message }) => message)).toEqual(Array(2).fill('this is outside of the folder of projects.'));
    // Whoever put images there keeps them.
    await expect(engine.forget(id)).rejects.toThrow('images that are no copies');
    await engine.dispose();
    await expectUnharmed();
  });
});

describe('a server that is started again on the same folder', () => {
  let folder: string;
  const kept = (): string => join(folder, '.studio/port');
  const restart = async (wanted?: number): Promise<string> => {
    const next = await startStudioServer({ host: studioHost(folder), page: join(root, 'page'), folder, port: wanted });
    await next.close();
    return next.address;
  };
  beforeAll(async () => {
    folder = join(root, 'page/kept');
    await mkdir(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has the port of the last one, and another token', async () => {
    const [first, second] = [new URL(await restart()), new URL(await restart())];
    expect(second.port).toBe(first.port);
    expect(second.hash).not.toBe(first.hash);
    expect(await readFile(kept(), 'utf8')).toBe(first.port);
    // Another program has the port.
    const taken = createServer().listen({ host: '127.0.0.1', port: Number(first.port) });
    await once(taken, 'listening');
    const elsewhere = new URL(await restart());
    taken.close();
    await once(taken, 'close');
    expect(elsewhere.port).not.toBe(first.port);
    expect(new URL(await restart(Number(first.port))).port).toBe(first.port);
  });

  it('has a free one where what is kept is no port', async () => {
    await restart();
    for (const text of ['none', '0', '70000', '']) {
      await writeFile(kept(), text);
      expect(Number(new URL(await restart()).port)).toBeGreaterThan(1023);
    }
  });

  it('writes nothing outside of the folder', async () => {
    await rm(join(folder, '.studio'), { recursive: true });
    await symlink(join(root, 'projects'), join(folder, '.studio'));
    const before = await readdir(join(root, 'projects'));
    expect(await restart()).not.toBe(await restart());
    expect(await readdir(join(root, 'projects'))).toEqual(before);
    await rm(join(folder, '.studio'));
  });
});

describe('the end of a server', () => {
  const GRACE_MS = 2000;
  const openAt = async (address: string): Promise<Engine> => {
    const { host, hash } = new URL(address);
    const socket = new WebSocket(`ws://${host}${SOCKET_PATH}`, [SOCKET_PROTOCOL, hash.slice(1)]);
    socket.binaryType = 'arraybuffer';
    await once(socket, 'open');
    return connect(socketChannel(socket as unknown as SocketLike));
  };
  const begin = async (name: string) => {
    const ending = await startStudioServer({ host: studioHost(join(root, 'projects')), page: join(root, 'page') });
    const engine = await openAt(ending.address);
    const painter = await openPainter(engine, await engine.create(name));
    const { image } = phantom({ width: 32, height: 32, depth: 1, cellPx: 16, seed: 1 });
    await painter.add((await engine.addFiles([{ path: 'a.png', content: writePng(pageOf(image, 0)) }])).images);
    return { ending, engine, painter, labels: join(root, 'projects', name, 'labels/a.tif') };
  };

  it('takes the edits that its page has made, but not handed over', async () => {
    const { ending, engine, painter, labels } = await begin('last');
    engine.subscribe(({ kind }) => {
      if (kind !== 'ending') return;
      void painter.stroke('a', 1, [[10, 10]]).then(() => engine.flush());
    });
    const from = performance.now();
    await ending.close();
    expect(performance.now() - from).toBeLessThan(GRACE_MS);
    const { data } = await readImageFile(labels);
    expect([...data].filter((value) => value === 1).length).toBe(37);
  });

  it('does not wait for a page that does not answer, nor for one without a project', async () => {
    const { ending, engine } = await begin('silent');
    const from = performance.now();
    await ending.close();
    expect(performance.now() - from).toBeGreaterThanOrEqual(GRACE_MS - 20);
    await engine.dispose();
    const idle = await startStudioServer({ host: studioHost(join(root, 'projects')), page: join(root, 'page') });
    await openAt(idle.address);
    const then = performance.now();
    await idle.close();
    expect(performance.now() - then).toBeLessThan(GRACE_MS);
  });
});

const why = hasLoopback6() ? '' : ' (SKIPPED: this machine has no ::1)';

describe.skipIf(why !== '')(`the other address of this machine${why}`, () => {
  it('has the same files, rules and socket', async () => {
    const own = { host: `[::1]:${port}`, origin: `http://[::1]:${port}`, 'sec-fetch-site': 'same-origin' };
    const { status, headers } = await ask('/', own, 'GET', '::1');
    expect(status).toBe(200);
    // No policy can name an address of IPv6; the browser counts the socket to 'self'.
    expect(String(headers['content-security-policy'])).toContain("connect-src 'self';");
    expect((await ask('/', { host: `localhost:${port}` }, 'GET', '::1')).status).toBe(200);
    const foreign: readonly Headers[] = [
      { host: '[::1]' },
      { host: `[::1]:${port + 1}` },
      { host: `[::2]:${port}` },
      { host: `evil.test:${port}` },
      { ...own, origin: `http://127.0.0.1:${port}` },
      { ...own, origin: 'http://[::1]' },
      { ...own, 'sec-fetch-site': 'cross-site' },
    ];
    for (const wrong of foreign) {
      expect([wrong, (await ask('/', wrong, 'GET', '::1')).status]).toEqual([wrong, 403]);
    }
    const right = [SOCKET_PROTOCOL, token];
    expect(await openSocket([SOCKET_PROTOCOL], {}, SOCKET_PATH, '[::1]')).toBe(403);
    expect(await openSocket(right, { Origin: `http://127.0.0.1:${port}` }, SOCKET_PATH, '[::1]')).toBe(403);
    const opened = await openSocket(right, { Origin: `http://[::1]:${port}` }, SOCKET_PATH, '[::1]');
    expect(opened).toBeInstanceOf(WebSocket);
    (opened as WebSocket).close();
  });

  it('has the port that the first one has, or neither is taken', async () => {
    const other = createServer().listen({ host: '::1', port: 0 });
    await once(other, 'listening');
    const { port: taken } = other.address() as AddressInfo;
    const options = { host: studioHost(root), page: join(root, 'page'), port: taken };
    await expect(startStudioServer(options)).rejects.toThrow(`port ${taken} is in use.`);
    other.close();
    await once(other, 'close');
    await (await startStudioServer(options)).close();
  });
});

it('a port that is in use is named', async () => {
  await expect(startStudioServer({ host: studioHost(root), page: join(root, 'page'), port })).rejects.toThrow(
    `port ${port} is in use.`,
  );
  await expect(startStudioServer({ host: studioHost(root), page: root })).rejects.toThrow('not built');
});
