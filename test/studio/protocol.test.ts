import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DatasetError, LamellaError, TrainingError } from '../../src/errors.ts';
import { connect } from '../../src/studio/connect.ts';
import type { Engine, EngineEvent } from '../../src/studio/engine.ts';
import { errorData, reviveError } from '../../src/studio/error-data.ts';
import { METHOD_NAMES } from '../../src/studio/methods.ts';
import { decode, encode } from '../../src/studio/protocol.ts';
import { serve } from '../../src/studio/serve.ts';
import { FrameReader, framesOf, socketChannel } from '../../src/studio/socket-channel.ts';
import { strangeMessage } from './strange-messages.ts';
import { socketPair } from './ways.ts';

const never = async (): Promise<never> => {
  throw new Error('nothing is read');
};
const throughFrames = (value: unknown): unknown => {
  const message = encode(value, { hold: () => 0 }, { carriesBlobs: false });
  const reader = new FrameReader();
  let arrived: { readonly header: unknown; readonly parts: readonly Uint8Array[] } | undefined;
  for (const frame of framesOf(message)) arrived = reader.add(frame);
  return decode(arrived as NonNullable<typeof arrived>, never);
};

const typedArray = fc.oneof(
  fc.uint8Array(),
  fc.uint16Array(),
  fc.int16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array({ noNaN: true }),
  fc.float64Array({ noNaN: true }),
);
const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, Number.NaN, Number.POSITIVE_INFINITY, '$part', '$none'),
    typedArray,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('$part', '$file', '$$none', '$number')),
      tie('value'),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
  ),
})).value;

describe('values', () => {
  it('arrive as they were sent', () => {
    fc.assert(
      fc.property(tree, (value) => {
        // JSON has one zero, and a property of this name is none of its own.
        fc.pre(!JSON.stringify(value)?.includes('__proto__'));
        expect(throughFrames({ value })).toEqual({ value: withoutMinusZero(value) });
      }),
      { numRuns: 1000 },
    );
  });

  it('of more than one frame arrive in parts', () => {
    const value = { a: new Uint16Array(10 * 2 ** 20).fill(7), b: new Float32Array([1.5]), c: new Uint8Array([1]) };
    const message = encode(value, { hold: () => 0 }, { carriesBlobs: false });
    expect(framesOf(message).length).toBe(2);
    const { a, ...others } = throughFrames(value) as typeof value;
    expect(others).toEqual({ b: value.b, c: value.c });
    expect(Buffer.compare(Buffer.from(a.buffer, a.byteOffset, a.byteLength), Buffer.from(value.a.buffer))).toBe(0);
  });
});

function withoutMinusZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutMinusZero(inner)]));
}

it('errors arrive with class, code, facts and remedy', () => {
  const cause = new DatasetError('nothing here.', {
    file: 'a',
    remedy: 'Look.',
    facts: { code: 'no-labels', images: 3 },
  });
  const revived = reviveError(JSON.parse(JSON.stringify(errorData(cause))));
  expect(revived).toBeInstanceOf(DatasetError);
  expect(revived).toMatchObject({ name: 'DatasetError', message: 'a: nothing here. Look.', code: 'no-labels' });
  expect(revived.facts).toEqual({ code: 'no-labels', images: 3 });
  const training = reviveError(errorData(new TrainingError('diverged', { step: 4 })));
  expect([training instanceof TrainingError, (training as TrainingError).step]).toEqual([true, 4]);
  const fault = reviveError(errorData(new TypeError('x is not a function')));
  expect([fault.constructor, fault.problem]).toEqual([LamellaError, 'Lamella failed: x is not a function.']);
});

/** An engine that notes what it is called with and answers it. */
function echo(): { readonly engine: Engine; readonly calls: unknown[]; emit(event: EngineEvent): void } {
  const calls: unknown[] = [];
  let listener: (event: EngineEvent) => void = () => undefined;
  const methods = METHOD_NAMES.map((name) => [
    name,
    async (...args: readonly unknown[]) => {
      calls.push([name, ...args]);
      return args;
    },
  ]);
  const engine = {
    ...Object.fromEntries(methods),
    subscribe: (own: typeof listener) => {
      listener = own;
      return () => undefined;
    },
    dispose: async () => undefined,
  } as unknown as Engine;
  return { engine, calls, emit: (event) => listener(event) };
}

describe('a served engine', () => {
  it('answers random messages with an error, or not at all', async () => {
    const { engine, calls } = echo();
    const [page, server] = socketPair();
    const answers: { readonly re?: unknown; readonly error?: unknown }[] = [];
    serve(engine, {
      carriesBlobs: false,
      send: ({ header }) => answers.push(header as (typeof answers)[number]),
      onMessage: (listener) => {
        page.onmessage = ({ data }) => listener(data as Parameters<typeof listener>[0]);
      },
      onClose: () => undefined,
      close: () => server.close(),
    });
    const deliver = (data: unknown): void => page.onmessage?.({ data });
    let sent = 0;
    for (const one of fc.sample(strangeMessage(), 10_000)) {
      expect(() => deliver(one)).not.toThrow();
      sent++;
    }
    deliver({ header: { v: 1, id: 1e6, call: 'plane', args: ['a', 0, 1] }, parts: [] });
    await expect.poll(() => answers.some(({ re }) => re === 1e6)).toBe(true);
    expect(sent).toBe(10_000);
    expect(answers.filter(({ error }) => error !== undefined).length).toBeGreaterThan(100);
    // What came through had the form that the method takes.
    for (const [name, ...args] of calls as [string, ...unknown[]][]) {
      if (name === 'plane') expect(args.map((arg) => typeof arg)).toEqual(['string', 'number', 'number']);
      if (name === 'record') expect(args[0]).toBeInstanceOf(Uint8Array);
    }
  });

  it('holds previews back while eight are on their way, and then sends the newest of each place', async () => {
    const { engine, emit } = echo();
    const [page, server] = socketPair();
    serve(engine, socketChannel(server));
    const client = connect(socketChannel(page));
    const got: number[] = [];
    client.subscribe((event) => event.kind === 'preview' && got.push(event.step));
    const preview = (step: number, x: number): EngineEvent => ({
      kind: 'preview',
      view: { image: 'a', page: 0, rect: { x, y: 0, width: 1, height: 1 } },
      model: 'quick',
      step,
      sequence: 1,
      classes: new Uint8Array(1),
      probability: new Uint8Array(1),
      uncertainty: new Uint8Array(1),
    });
    for (let i = 0; i < 8; i++) emit(preview(i, i));
    for (let i = 8; i < 20; i++) emit(preview(i, 100 + (i % 2)));
    await expect.poll(() => got.length).toBe(10);
    expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 18, 19]);
  });

  it('reads files of the page in pieces, and none that it was not given', async () => {
    const { engine, calls } = echo();
    const [page, server] = socketPair();
    serve(engine, socketChannel(server));
    const client = connect(socketChannel(page));
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    await client.addFiles([{ path: 'a.bin', content: new Blob([bytes]) }]);
    const [, [given]] = calls[0] as [string, { readonly content: Blob }[]];
    expect(new Uint8Array(await (given as { content: Blob }).content.arrayBuffer())).toEqual(bytes);
    expect(new Uint8Array(await (given as { content: Blob }).content.slice(10, 13).arrayBuffer())).toEqual(
      bytes.slice(10, 13),
    );
  });

  it('rejects what waits when the channel closes', async () => {
    const [page, server] = socketPair();
    serve({ ...echo().engine, describe: () => new Promise(() => undefined) }, socketChannel(server));
    const client = connect(socketChannel(page));
    const asked = client.describe();
    server.close();
    await expect(asked).rejects.toMatchObject({ code: 'disconnected' });
    await expect(client.projects()).rejects.toMatchObject({ code: 'disconnected' });
  });
});
