/** A page of which every connection goes through a proxy that records it: the whole browser, whatever it is for. */

import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { chromium, type Page } from 'playwright-core';
import { launchOptions, openPage } from '../../../test/browser/harness.ts';

export interface RecordedPage {
  readonly page: Page;
  /** What the page has written as errors so far. */
  readonly errors: readonly string[];
  /** Hosts that the page, its workers or its browser asked anything of. */
  readonly asked: ReadonlySet<string>;
  close(): Promise<void>;
}

/** Chromium looks for updates and the like, whatever its flags. That the page asks nothing of these is seen by its requests. */
const BROWSER_OWN =
  /^(?:update|content-autofill|optimizationguide-pa)\.googleapis\.com$|^(?:accounts|clients2|www)\.google\.com$/;

/** Opens an address of this machine; nothing else is let through. Files are given as downloads. */
export async function openRecorded(address: string): Promise<RecordedPage> {
  const { host } = new URL(address);
  const asked = new Set<string>();
  const record = (name: string): boolean => {
    if (!BROWSER_OWN.test(name.replace(/:\d+$/, ''))) asked.add(name);
    return name === host;
  };
  const proxy = createServer((incoming, answer) => {
    const url = new URL(incoming.url ?? '');
    if (!record(url.host)) return void answer.writeHead(403).end();
    const { method, headers } = incoming;
    const onwards = request(url, { method, headers }, (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(answer);
    });
    onwards.on('error', () => answer.destroy());
    incoming.pipe(onwards);
  });
  // Sockets and everything encrypted.
  proxy.on('connect', (incoming, socket) => {
    if (!record(incoming.url ?? '')) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const [name, port] = (incoming.url as string).split(':');
    const onwards = connect(Number(port), name, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onwards.pipe(socket).pipe(onwards);
    });
    for (const end of [onwards, socket]) end.on('error', () => [onwards, socket].map((one) => one.destroy()));
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  const { port } = proxy.address() as AddressInfo;
  const browser = await chromium.launch({
    ...launchOptions({ webgl: true }),
    proxy: { server: `http://127.0.0.1:${port}`, bypass: '<-loopback>' },
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.on('request', (sent) => {
    const url = new URL(sent.url());
    if (!['blob:', 'data:'].includes(url.protocol)) asked.add(url.host);
  });
  const page = await openPage(context);
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'showSaveFilePicker'));
  await page.goto(address);
  // Hosted without headers, it is loaded once more.
  await page.waitForFunction(() => globalThis.studio?.description.value !== undefined && crossOriginIsolated);
  return {
    page,
    errors,
    asked,
    async close() {
      await browser.close();
      proxy.closeAllConnections();
      await new Promise((closed) => proxy.close(closed));
    },
  };
}
