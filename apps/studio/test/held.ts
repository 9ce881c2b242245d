/** What a page and the worker of its engine hold, once nothing waits to be collected any more. */

import type { BrowserContext, CDPSession, Page, Worker } from 'playwright-core';

declare global {
  /** Of the engine's worker: the memories of WebAssembly that it has made, and the workers that it has not ended. */
  var wasmMemories: WebAssembly.Memory[];
  var runningWorkers: Set<Worker>;
}

export interface Held {
  /** How many objects live, by where and what they are, such as `engine: Float32Array`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Bytes of all objects with their texts and arrays, and of WebAssembly's memory apart. */
  readonly bytes: { readonly page: number; readonly engine: number; readonly wasm: number };
}

const isEngine = (url: string): boolean => url.includes('studio-worker');

export function engineOf(page: Page): Worker {
  const engine = page.workers().find((worker) => isEngine(worker.url()));
  if (engine === undefined) throw new Error('There is no worker.');
  return engine;
}

/** Has the engine's worker keep account of what only it can count; before the page is loaded. */
export async function countInEngine(context: BrowserContext): Promise<void> {
  const counting = `
    globalThis.wasmMemories = [];
    globalThis.runningWorkers = new Set();
    WebAssembly.Memory = class extends WebAssembly.Memory {
      constructor(...given) { super(...given); wasmMemories.push(this); }
    };
    globalThis.Worker = class extends Worker {
      constructor(...given) { super(...given); runningWorkers.add(this); }
      terminate() { super.terminate(); runningWorkers.delete(this); }
    };`;
  await context.route(/studio-worker[^/]*\.js/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${counting}\n${await response.text()}` });
  });
}

/** A heap as V8 writes it down after a collection, and nodes in it as so many numbers one after the other. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly [readonly string[]] };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** A snapshot of the page, or of a worker, whose developer tools are reached through those of the page. */
async function snapshotOf(session: CDPSession, workerSession?: string): Promise<Snapshot> {
  const chunks: string[] = [];
  const [method, params] = ['HeapProfiler.takeHeapSnapshot', { reportProgress: false }] as const;
  if (workerSession === undefined) {
    const add = ({ chunk }: { readonly chunk: string }): void => void chunks.push(chunk);
    session.on('HeapProfiler.addHeapSnapshotChunk', add);
    await session.send(method, params);
    session.off('HeapProfiler.addHeapSnapshotChunk', add);
  } else {
    const answered = new Promise<void>((resolve) => {
      const take = (event: { readonly sessionId: string; readonly message: string }): void => {
        if (event.sessionId !== workerSession) return;
        const message = JSON.parse(event.message);
        if (message.method === 'HeapProfiler.addHeapSnapshotChunk') chunks.push(message.params.chunk);
        if (message.id === undefined) return;
        session.off('Target.receivedMessageFromTarget', take);
        resolve();
      };
      session.on('Target.receivedMessageFromTarget', take);
    });
    const message = JSON.stringify({ id: 1, method, params });
    await session.send('Target.sendMessageToTarget', { sessionId: workerSession, message });
    await answered;
  }
  return JSON.parse(chunks.join(''));
}

/**
 * The objects of a program. Left out are compiled code and what goes with it (`system /`), which comes with use; and from
 * the counts the objects and arrays without a class, since V8 keeps one of each literal.
 */
function objectsIn({ snapshot: { meta }, nodes, strings }: Snapshot) {
  const { node_fields: fields, node_types: types } = meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const counts = new Map<string, number>();
  let bytes = 0;
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[0][nodes[at + type]];
    const called = strings[nodes[at + name]];
    const isOwn = !called.includes('system /') && kind !== 'code';
    if (called === 'system / JSArrayBufferData' || (isOwn && kind !== 'native')) bytes += nodes[at + size];
    const isClassed = (kind === 'object' || called.startsWith('WebGL')) && /^\w+$/.test(called);
    const what = kind === 'closure' ? 'function' : isClassed && isOwn ? called : undefined;
    if (what === undefined || what === 'Object' || what === 'Array') continue;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return { counts, bytes };
}

/** @returns what asks what is held now; of a page that was prepared by `countInEngine` */
export async function openHeld(page: Page): Promise<() => Promise<Held>> {
  const session = await page.context().newCDPSession(page);
  const attached = new Promise<string>((resolve) => {
    session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (isEngine(targetInfo.url)) resolve(sessionId);
    });
  });
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  const engineSession = await attached;
  const worker = engineOf(page);
  return async () => {
    const own = objectsIn(await snapshotOf(session));
    const engine = objectsIn(await snapshotOf(session, engineSession));
    const { wasm, workers } = await worker.evaluate(() => ({
      wasm: wasmMemories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
      workers: runningWorkers.size,
    }));
    const counts = new Map([
      ...[...own.counts].map(([what, count]) => [`page: ${what}`, count] as const),
      ...[...engine.counts].map(([what, count]) => [`engine: ${what}`, count] as const),
      ['engine: running workers', workers] as const,
    ]);
    // WebAssembly's memory is an array of the engine, too.
    return { counts, bytes: { page: own.bytes, engine: engine.bytes - wasm, wasm } };
  };
}

/** Of what there was more each time. What is loaded or made once, whenever that is, is not among it. */
export function grownEachTime(found: readonly Held[]): readonly string[] {
  const [first, ...later] = found.map(({ counts }) => counts);
  return [...first.keys()].filter((what) => {
    const numbers = [first, ...later].map((counts) => counts.get(what) ?? 0);
    return numbers.every((count, i) => i === 0 || count > numbers[i - 1]);
  });
}
