/**
 * The service worker of a hosted page: everything is there without a network, and every response has the headers that
 * give the page threads and hold it and its workers to their own server, whether the host sends them or not.
 *
 * The page is asked of the host each time, so that a new version is there at once, and taken from what was kept where
 * there is no answer. The version that was kept stays whole, for this and for pages that are open, until the new one has
 * come and none of these is left.
 */

import { HEADERS } from './policy.ts';
import { runtimeFiles } from './runtime-files.ts';

/** The parts of a service worker that are used here; TypeScript's own types of them exclude those of a page. */
interface Worker {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  addEventListener(
    name: 'install' | 'activate',
    listener: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(
    name: 'message',
    listener: (event: { readonly data: unknown; waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(
    name: 'fetch',
    listener: (event: { readonly request: Request; respondWith(response: Promise<Response>): void }) => void,
  ): void;
}

const worker = self as unknown as Worker;

/** Of the page, by their paths; filled in by the build. */
const FILES: readonly string[] = '%FILES%'.split('|');

/** A host that does not answer for so long is as good as none. */
const PATIENCE_MS = 3000;

/** Another list is another version. */
const NAME = `lamella-studio ${hash(FILES.join())}`;

function hash(text: string): string {
  let sum = 2166136261;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 16777619);
  return (sum >>> 0).toString(16);
}

worker.addEventListener('install', (event) => {
  // Not those that the browser still has of a version before.
  const fresh = FILES.map((file) => new Request(file, { cache: 'no-cache' }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(fresh)));
});

worker.addEventListener('activate', (event) => {
  const tidy = async (): Promise<void> => {
    for (const name of await caches.keys())
      if (name !== NAME && name.startsWith('lamella-studio ')) await caches.delete(name);
    await worker.clients.claim();
  };
  event.waitUntil(tidy());
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(worker.registration.scope)) return;
  event.respondWith(answer(request));
});

/** ONNX Runtime's files that are on their way, so that none is loaded twice. */
const coming = new Map<string, Promise<unknown>>();

// A page names the device that it computes on, once it has nothing else to load.
worker.addEventListener('message', (event) => event.waitUntil(keepRuntime(event.data)));

/** Keeps ONNX Runtime's files for a device. One that does not come is asked for when it is used, and by the next page. */
async function keepRuntime(device: unknown): Promise<void> {
  const cache = await caches.open(NAME);
  for (const file of runtimeFiles(device)) {
    const { href } = new URL(file, worker.registration.scope);
    if ((await cache.match(href)) !== undefined) continue;
    const load = coming.get(href) ?? cache.add(new Request(href, { cache: 'no-cache' })).catch(() => undefined);
    coming.set(href, load);
    await load;
    coming.delete(href);
  }
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  if (request.mode === 'navigate') return withHeaders(await newest(await cache.match(worker.registration.scope)));
  await coming.get(request.url);
  const known = await cache.match(request.url);
  if (known !== undefined) return withHeaders(known);
  const response = await fetch(request);
  if (response.ok && response.type === 'basic') await cache.put(request.url, response.clone());
  return withHeaders(response);
}

/** The page as the host has it now; the one that was kept, if the host does not answer in time or with something else. */
async function newest(kept: Response | undefined): Promise<Response> {
  const asked = fetch(worker.registration.scope, { cache: 'no-cache' });
  if (kept === undefined) return asked;
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS));
  const response = await Promise.race([asked, late]).catch(() => undefined);
  return response?.ok && !response.redirected ? response : kept;
}

function withHeaders(response: Response): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
