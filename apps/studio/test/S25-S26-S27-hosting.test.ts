/**
 * S25, S26, S27: hosted as files on a server that sends no headers, the page gets its threads from its service worker,
 * works without a network, and can talk to nobody.
 */

import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, openPage, ROOT } from '../../../test/browser/harness.ts';
import { runtimeFiles } from '../src/runtime-files.ts';
import { type Hosted, hostStatic } from './hosted-page.ts';
import { labelledFiles } from './labelled-files.ts';
import { greyPng, isLong, takeIn, whyNoPage } from './studio-page.ts';

it('S27: what is kept of ONNX Runtime is what it has for the device, and for the CPU', () => {
  const there = new Set(readdirSync(join(ROOT, 'node_modules/onnxruntime-web/dist')));
  const [cpu, gpu] = [runtimeFiles('wasm'), runtimeFiles('webgpu')];
  expect([cpu.length, gpu.length, gpu.slice(-2)]).toEqual([2, 4, cpu]);
  expect(gpu.filter((file) => !there.has(basename(file)))).toEqual([]);
});

const why = whyNoPage ?? (isLong ? undefined : 'npm run test:studio');

describe.skipIf(why !== undefined)(`S25 S26 S27 hosting${why === undefined ? '' : ` (${why})`}`, () => {
  let hosted: Hosted;
  let browser: Browser;
  beforeAll(async () => {
    hosted = await hostStatic();
    browser = await launchChromium({ webgl: true });
  });
  afterAll(async () => {
    await browser?.close();
    await hosted?.close();
  });

  /** How often the page was loaded. */
  async function open(context: BrowserContext): Promise<{ page: Page; loads: () => number }> {
    const page = await openPage(context);
    let loads = 0;
    page.on('load', () => loads++);
    await page.goto(hosted.url);
    await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
    return { page, loads: () => loads };
  }

  it('S26: has threads after one more load, and does not go on loading', async () => {
    const context = await browser.newContext();
    const { page, loads } = await open(context);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await page.evaluate(() => studio.description.value?.threadsNote)).toBeUndefined();
    expect(loads()).toBe(2);
    for (let i = 0; i < 10; i++) {
      await page.reload();
      await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
    }
    expect(loads()).toBe(12);
    await context.close();
  });

  it('S26: without a service worker has one thread and says why', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const { page, loads } = await open(context);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    expect(loads()).toBe(1);
    await page.getByText(/One thread only/).waitFor();
    await context.close();
  });

  it('S27: opens and paints without a network', async () => {
    const context = await browser.newContext();
    const { page } = await open(context);
    const before = hosted.requests.length;
    await context.setOffline(true);
    await page.reload();
    await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
    await takeIn(page, { 'grey.png': greyPng(256, 256) });
    const box = await page.locator('.canvas').boundingBox();
    await page.mouse.click((box?.x ?? 0) + 300, (box?.y ?? 0) + 300);
    await page.waitForFunction(() => studio.annotation.canUndo.value);
    expect(hosted.requests.length).toBe(before);
    await context.close();
  });

  it('S27: trains without a network, also where it has never computed with one', async () => {
    const context = await browser.newContext();
    const from = hosted.requests.length;
    const { page } = await open(context);
    const isKept = () =>
      page.evaluate(async (files) => {
        const kept = await Promise.all(files.map((file) => caches.match(new URL(file, document.baseURI))));
        return kept.every((response) => response !== undefined);
      }, runtimeFiles('wasm'));
    await expect.poll(isKept, { timeout: 20_000 }).toBe(true);
    // Each once.
    expect(hosted.requests.slice(from).filter((url) => url.includes('/ort/'))).toHaveLength(2);
    const before = hosted.requests.length;
    await context.setOffline(true);
    await page.reload();
    await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
    await takeIn(page, labelledFiles({ seed: 3 }));
    const settings = { seed: 3, patch: [32, 32], depth: 1, baseChannels: 8, batch: 2 };
    await page.evaluate((options) => studio.engine.train(options), { steps: 5, settings, from: 'scratch' as const });
    // The browser's own look for a newer service worker goes past what keeps the page from the network.
    expect(hosted.requests.slice(before).filter((url) => !url.endsWith('/sw.js'))).toEqual([]);
    await context.close();
  });

  it('S27: a new version is there at the next load, and a page that is open keeps the files of its own', async () => {
    const own = await hostStatic();
    const context = await browser.newContext();
    const load = async (page: Page) => {
      await page.goto(own.url);
      await page.waitForFunction(() => globalThis.studio?.description.value !== undefined);
      return page;
    };
    const open = await load(await openPage(context));
    own.change(/index\.html$/, (html) => html.replace(/<title>.*<\/title>/, '<title>Newer</title>'));
    own.change(/sw\.js$/, (script) => script.replace('icon.svg|', 'icon.svg|icon.svg?newer|'));
    own.change(/assets\/measuring.*\.js$/, undefined);
    const next = await load(await openPage(context));
    expect(await next.title()).toBe('Newer');
    // The service worker of the new version has come, and waits.
    await next.waitForFunction(async () => (await navigator.serviceWorker.getRegistration())?.waiting !== null);
    const lazy = await open.evaluate(async () => {
      const [cache] = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
      return (await cache.keys()).map(({ url }) => url).filter((url) => /assets\/measuring.*js$/.test(url));
    });
    expect(lazy.length).toBeGreaterThan(0);
    for (const url of lazy) expect(await open.evaluate(async (file) => (await fetch(file)).status, url)).toBe(200);
    // Without a network, or with a host that does not have it any more, what was kept.
    await context.setOffline(true);
    await load(open);
    expect(await open.title()).toBe('Lamella Studio');
    await context.setOffline(false);
    own.change(/index\.html$/, undefined);
    await load(open);
    expect(await open.title()).toBe('Lamella Studio');
    await context.close();
    await own.close();
  });

  it('S25: whatever the page tries, it reaches nobody else', async () => {
    const context = await browser.newContext();
    const { page } = await open(context);
    const foreign: string[] = [];
    context.on('request', (request) => {
      if (!request.url().startsWith(hosted.url) && !request.url().startsWith('blob:')) foreign.push(request.url());
    });
    const blocked = await page.evaluate(async () => {
      const violations: string[] = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
        violations.push(`${effectiveDirective} ${blockedURI}`),
      );
      const elsewhere = 'https://example.org/';
      const failed = await fetch(`${elsewhere}fetch`).catch(() => 'failed');
      try {
        new WebSocket('wss://example.org/socket').onerror = () => undefined;
      } catch {
        // Some versions throw at once.
      }
      navigator.sendBeacon(`${elsewhere}beacon`, 'x');
      const image = new Image();
      image.src = `${elsewhere}a.png`;
      const script = document.createElement('script');
      script.src = `${elsewhere}a.js`;
      document.head.append(script);
      while (new Set(violations).size < 5) await new Promise((done) => setTimeout(done, 50));
      // Were there more, they would come soon.
      await new Promise((done) => setTimeout(done, 500));
      return { violations, failed };
    });
    expect(blocked.failed).toBe('failed');
    // Twice each: by the page's own policy and by its response's.
    expect([...new Set(blocked.violations)].sort()).toEqual([
      'connect-src https://example.org/beacon',
      'connect-src https://example.org/fetch',
      'connect-src wss://example.org/socket',
      'img-src https://example.org/a.png',
      'script-src-elem https://example.org/a.js',
    ]);
    const [engine] = page.workers();
    const inWorker = await engine.evaluate(async () => {
      const violations: string[] = [];
      self.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violations.push(effectiveDirective));
      await fetch('https://example.org/').catch(() => undefined);
      while (violations.length === 0) await new Promise((done) => setTimeout(done, 50));
      return violations;
    });
    expect(inWorker, 'the engine').toEqual(['connect-src']);
    expect(foreign.filter((url) => !url.startsWith('https://example.org/'))).toEqual([]);
    await context.close();
  });

  it('S25: has no connections to other browsers, which no policy covers', async () => {
    const listener = createSocket('udp4');
    let packets = 0;
    listener.on('message', () => packets++);
    await new Promise<void>((bound) => listener.bind(0, '127.0.0.1', bound));
    /** Asks a server on this machine which address the page has, as every such connection begins. */
    const ask = (port: number) =>
      (async () => {
        const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] });
        peer.createDataChannel('out');
        await peer.setLocalDescription(await peer.createOffer());
        await new Promise((done) => setTimeout(done, 1000));
      })().catch((error: unknown) => String(error));
    const context = await browser.newContext();
    const { page } = await open(context);
    const { port } = listener.address();
    expect(await page.evaluate(ask, port)).toContain('RTCPeerConnection is not defined');
    expect(packets).toBe(0);
    // A page without Studio gets through.
    const other = await openPage(context);
    await other.goto('about:blank');
    await other.evaluate(ask, port);
    expect(packets, 'the listener hears').toBeGreaterThan(0);
    await context.close();
    listener.close();
  });
});
