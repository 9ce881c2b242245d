/** What both sides of a channel do alike: number questions, match answers, and read each other's files in pieces. */

import { LamellaError, UsageError } from '../errors.ts';
import type { BlobLike } from '../files.ts';
import { type ErrorData, errorData, reviveError } from './error-data.ts';
import { type Channel, decode, encode, type Header, type HeldFiles, PROTOCOL_VERSION } from './protocol.ts';

export interface Wire {
  /** A number for the next question. */
  next(): number;
  send(header: { readonly [name: string]: unknown }): void;
  /** Sends a question and waits for its answer. @throws the error that was answered; LamellaError if the channel closes */
  ask(header: { readonly [name: string]: unknown }): Promise<unknown>;
  /** Answers a question with what the work gives, or with its error. */
  answer(id: number, work: Promise<unknown>): void;
  /** The value of a field of a header. */
  decode(value: unknown, parts: readonly unknown[]): unknown;
  /** Takes an answer, or a question for a file. */
  handle(header: Header, parts: readonly unknown[]): void;
  /** Rejects what waits for an answer. */
  close(): void;
}

/** Files that the other side may still read: those of the last so many messages that had any. */
const HELD_FILES = 10_000;

export function openWire(channel: Channel): Wire {
  let count = 0;
  let closed = false;
  const waiting = new Map<number, { resolve(value: unknown): void; reject(cause: unknown): void }>();
  const files = new Map<number, BlobLike>();
  const held: HeldFiles = {
    hold(file) {
      files.set(++count, file);
      for (const old of files.keys()) {
        if (files.size <= HELD_FILES) break;
        files.delete(old);
      }
      return count;
    },
  };
  const gone = (): LamellaError =>
    new LamellaError('The engine cannot be reached any more.', {
      remedy: 'Reload the page; what was acknowledged is saved.',
      facts: { code: 'disconnected' },
    });
  const wire: Wire = {
    next: () => ++count,
    send(header) {
      if (!closed) channel.send(encode({ v: PROTOCOL_VERSION, ...header }, held, channel));
    },
    ask(header) {
      if (closed) return Promise.reject(gone());
      const id = ++count;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        try {
          wire.send({ id, ...header });
        } catch (cause) {
          waiting.delete(id);
          reject(cause);
        }
      });
    },
    answer(id, work) {
      work
        .then((value) => wire.send({ re: id, value }))
        .catch((cause: unknown) => wire.send({ re: id, error: errorData(cause) }));
    },
    decode: (value, parts) =>
      decode({ header: value, parts }, async (file, from, to) => {
        const bytes = await wire.ask({ read: { file, from, to } });
        if (!(bytes instanceof Uint8Array)) throw new UsageError('A file was answered without bytes.');
        return bytes;
      }),
    handle(header, parts) {
      if (header.kind === 'read') {
        wire.answer(header.id, read(header));
      } else if (header.kind === 'answer') {
        const question = waiting.get(header.re);
        waiting.delete(header.re);
        try {
          if (header.error !== undefined) question?.reject(reviveError(header.error as ErrorData));
          else question?.resolve(wire.decode(header.value, parts));
        } catch (cause) {
          question?.reject(cause);
        }
      }
    },
    close() {
      closed = true;
      for (const { reject } of waiting.values()) reject(gone());
      waiting.clear();
      files.clear();
    },
  };
  async function read({ file, from, to }: Extract<Header, { kind: 'read' }>): Promise<Uint8Array> {
    const found = files.get(file);
    if (found === undefined || from > to || to > found.size) throw new UsageError('There is no such part of a file.');
    return new Uint8Array(await found.slice(from, to).arrayBuffer());
  }
  return wire;
}
