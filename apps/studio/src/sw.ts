/**
 * The service worker of a hosted page: everything is there without a network, and every response has the headers that
 * give the page threads and hold it and its workers to their own server, whether the host sends them or not.
 */

import { HEADERS } from './policy.ts';

/** The parts of a service worker that are used here; TypeScript's own types of them exclude those of a page. */
interface Worker {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(
    name: 'install' | 'activate',
    listener: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(
    name: 'fetch',
    listener: (event: { readonly request: Request; respondWith(response: Promise<Response>): void }) => void,
  ): void;
}

const worker = self as unknown as Worker;

/** Of the page, by their paths; filled in by the build. ONNX Runtime is kept when it is first used. */
const FILES: readonly string[] = '%FILES%'.split('|');

/** Another list is another version. */
const NAME = `lamella-studio ${hash(FILES.join())}`;

function hash(text: string): string {
  let sum = 2166136261;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 16777619);
  return (sum >>> 0).toString(16);
}

worker.addEventListener('install', (event) => {
  const keep = async (): Promise<void> => {
    await (await caches.open(NAME)).addAll(FILES);
    await worker.skipWaiting();
  };
  event.waitUntil(keep());
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

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  const key = request.mode === 'navigate' ? worker.registration.scope : request.url;
  const known = await cache.match(key);
  if (known !== undefined) return withHeaders(known);
  const response = await fetch(request);
  if (response.ok && response.type === 'basic') await cache.put(key, response.clone());
  return withHeaders(response);
}

function withHeaders(response: Response): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
