/**
 * Firefox by WebDriver BiDi and WebKit by its inspector, as Debian has them: the little of both protocols that a smoke
 * test needs. WebKit's WebDriver has sessions without private storage only. Chromium has `studio-page.ts`.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { WebSocket } from 'ws';

/** One page of a browser. */
export interface BrowserPage {
  goto(url: string): Promise<void>;
  /** Runs a function in the page, awaits it, and gives what it gives, both ways as JSON. */
  evaluate<T, A extends readonly unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T>;
  close(): Promise<void>;
}

export interface InputPage extends BrowserPage {
  /** Presses the mouse at the first point, moves it along the others and lets go; in CSS pixels of the window. */
  drag(points: readonly { readonly x: number; readonly y: number }[]): Promise<void>;
  /** Presses keys together, such as `Control` and `z`. */
  press(...keys: readonly string[]): Promise<void>;
}

const FIREFOX = ['/usr/bin/firefox-esr', '/usr/bin/firefox'];
const WEBKIT = ['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/webkit2gtk-4.1/MiniBrowser`);
const VIRTUAL_SCREEN = '/usr/bin/Xvfb';
const START_MS = 60_000;

const NO_SCREEN = existsSync(VIRTUAL_SCREEN) ? undefined : 'no virtual screen on this machine: apt-get install xvfb';

const absent = (paths: readonly string[], what: string, from: string): string | undefined =>
  paths.some(existsSync) ? NO_SCREEN : `no ${what} on this machine: apt-get install ${from}`;

/** Why a browser cannot be had here, to be put into the names of tests; undefined when it can. */
export const whyNoFirefox = absent(FIREFOX, 'Firefox', 'firefox-esr');
export const whyNoWebKit = absent(WEBKIT, 'WebKit', 'libwebkit2gtk-4.1-0');

/** A screen that nobody sees, without which neither browser has WebGL, and a home folder that nobody needs. */
async function openPlace() {
  const home = mkdtempSync(join(tmpdir(), 'lamella-browser-'));
  const screen = spawn(VIRTUAL_SCREEN, ['-displayfd', '3', '-screen', '0', '1400x1000x24'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const [number] = (await once(screen.stdio[3] as Readable, 'data')) as [Buffer];
  const { WAYLAND_DISPLAY: _, ...env } = process.env;
  return {
    home,
    env: {
      ...env,
      LANG: 'en_US.UTF-8',
      DISPLAY: `:${String(number).trim()}`,
      HOME: home,
      XDG_DATA_HOME: home,
      XDG_CACHE_HOME: home,
    },
    async close() {
      await end(screen);
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
}

/** A pointer and keys as both protocols describe them. */
const dragActions = (points: readonly { readonly x: number; readonly y: number }[]) => {
  const [first, ...rest] = points.map(({ x, y }) => ({ type: 'pointerMove', x: Math.round(x), y: Math.round(y) }));
  const buttons = [{ type: 'pointerDown', button: 0 }, ...rest, { type: 'pointerUp', button: 0 }];
  return [{ type: 'pointer', id: 'mouse', parameters: { pointerType: 'mouse' }, actions: [first, ...buttons] }];
};
const CODES: { readonly [key: string]: string } = { Control: '\uE009', Shift: '\uE008' };
const keyActions = (keys: readonly string[]) => {
  const values = keys.map((key) => CODES[key] ?? key);
  const down = values.map((value) => ({ type: 'keyDown', value }));
  const up = values.toReversed().map((value) => ({ type: 'keyUp', value }));
  return [{ type: 'key', id: 'keyboard', actions: [...down, ...up] }];
};

const callText = (work: unknown, args: readonly unknown[]): string =>
  `(async () => JSON.stringify(await (${work})(...${JSON.stringify(args)})))()`;
const parsed = (text: unknown) => (typeof text === 'string' ? JSON.parse(text) : undefined);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const later = (ms: number): Promise<void> => new Promise((next) => setTimeout(next, ms));

/** Tries until it succeeds or a minute is over. */
async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (const began = Date.now(); ; ) {
    try {
      return await attempt();
    } catch (cause) {
      if (Date.now() - began > START_MS) throw cause;
      await later(250);
    }
  }
}

/** Ends a program that was started as a group of its own, with all that it has started. */
async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  process.kill(-child.pid);
  await Promise.race([exited, later(5000)]);
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // None of them is left.
  }
}

export async function openFirefox(): Promise<InputPage> {
  const place = await openPlace();
  writeFileSync(join(place.home, 'user.js'), 'user_pref("webgl.force-enabled", true);\n');
  const port = await freePort();
  const options = ['--headless', '--no-remote', '--profile', place.home, `--remote-debugging-port=${port}`];
  const size = ['--width', '1280', '--height', '800'];
  const child = spawn(FIREFOX.find(existsSync) as string, [...options, ...size], {
    stdio: 'ignore',
    detached: true,
    env: place.env,
  });
  const socket = await patiently(async () => {
    const tried = new WebSocket(`ws://127.0.0.1:${port}/session`);
    await once(tried, 'open');
    return tried;
  });
  let count = 0;
  const waiting = new Map<number, { resolve(value: unknown): void; reject(cause: unknown): void }>();
  socket.on('message', (data) => {
    const { id, type, result, error, message } = JSON.parse(String(data));
    if (type === 'success') waiting.get(id)?.resolve(result);
    else if (type === 'error') waiting.get(id)?.reject(new Error(`${error}: ${message}`));
  });
  const send = <T>(method: string, params: object): Promise<T> =>
    new Promise((resolve, reject) => {
      waiting.set(++count, { resolve: resolve as (value: unknown) => void, reject });
      socket.send(JSON.stringify({ id: count, method, params }));
    });
  await send('session.new', { capabilities: {} });
  const { context } = await send<{ readonly context: string }>('browsingContext.create', { type: 'tab' });
  return {
    async goto(url) {
      await send('browsingContext.navigate', { context, url, wait: 'complete' });
    },
    async evaluate(work, ...args) {
      const answer = await send<{
        readonly result?: { readonly value?: unknown };
        readonly exceptionDetails?: { readonly text: string };
      }>('script.evaluate', { expression: callText(work, args), target: { context }, awaitPromise: true });
      if (answer.exceptionDetails !== undefined) throw new Error(answer.exceptionDetails.text);
      return parsed(answer.result?.value);
    },
    async drag(points) {
      await send('input.performActions', { context, actions: dragActions(points) });
    },
    async press(...keys) {
      await send('input.performActions', { context, actions: keyActions(keys) });
    },
    async close() {
      await Promise.race([send('browser.close', {}), later(5000)]);
      socket.terminate();
      await end(child);
      await place.close();
    },
  };
}

export async function openWebKit(): Promise<BrowserPage> {
  const place = await openPlace();
  const port = await freePort();
  let child: ChildProcess | undefined;
  let socket: WebSocket | undefined;
  let target: string | undefined;
  let count = 0;
  const waiting = new Map<number, (answer: Record<string, never>) => void>();
  const take = (text: string): void => {
    const { id, method, params, ...rest } = JSON.parse(text);
    if (method === 'Target.targetCreated' && params.targetInfo.type === 'page') target = params.targetInfo.targetId;
    else if (method === 'Target.didCommitProvisionalTarget') target = params.newTargetId;
    else if (method === 'Target.dispatchMessageFromTarget') take(params.message);
    else waiting.get(id)?.(rest);
  };
  /** Asks the page. */
  const send = <T>(method: string, params: object): Promise<T> =>
    new Promise((resolve, reject) => {
      const id = ++count;
      waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result as T) : reject(new Error(JSON.stringify(error))),
      );
      const message = JSON.stringify({ id, method, params });
      const outer = { id: ++count, method: 'Target.sendMessageToTarget', params: { targetId: target, message } };
      socket?.send(JSON.stringify(outer));
    });
  const tab: BrowserPage = {
    async goto(url) {
      // The inspector has no page of its own until there is one.
      child = spawn(WEBKIT.find(existsSync) as string, ['--geometry=1280x860', url], {
        stdio: 'ignore',
        detached: true,
        // Memory that threads share, which Safari has and this build leaves off.
        env: { ...place.env, JSC_useSharedArrayBuffer: '1', WEBKIT_INSPECTOR_HTTP_SERVER: `127.0.0.1:${port}` },
      });
      const path = await patiently(async () => {
        const list = await (await fetch(`http://127.0.0.1:${port}/`)).text();
        const [, found] = /ws=[^/]*(\/socket\/[\w/]+)/.exec(list) ?? [];
        if (found === undefined) throw new Error('WebKit shows no page.');
        return found;
      });
      socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
      socket.on('message', (data) => take(String(data)));
      await once(socket, 'open');
      // Until it is loaded the page may be taken over by another process, which answers nothing asked of the first.
      await patiently(async () => {
        const state = await Promise.race([tab.evaluate(() => document.readyState + location.href), later(2000)]);
        if (state !== `complete${url}`) throw new Error(`WebKit does not load ${url}.`);
      });
    },
    async evaluate(work, ...args) {
      const { result } = await send<{ readonly result: { readonly objectId: string } }>('Runtime.evaluate', {
        expression: callText(work, args),
      });
      const settled = await send<{ readonly result: { readonly value?: unknown }; readonly wasThrown?: boolean }>(
        'Runtime.awaitPromise',
        { promiseObjectId: result.objectId, returnByValue: true },
      );
      if (settled.wasThrown) throw new Error(JSON.stringify(settled.result));
      return parsed(settled.result.value);
    },
    async close() {
      socket?.terminate();
      if (child !== undefined) await end(child);
      await place.close();
    },
  };
  return tab;
}
