/**
 * Messages by a WebSocket: `length of the header (4 bytes, little-endian) | header (UTF-8) | parts`, where the header is
 * `{ sizes: [bytes of each part], header }`. A message larger than a frame goes on in the next ones.
 */

import { concatenate } from '../array/bytes.ts';
import { FormatError } from '../errors.ts';
import { type Channel, isNatural, type Message } from './protocol.ts';

/** Where `lamella studio` has the socket, on the host of its page. */
export const SOCKET_PATH = '/api/socket';
/** The first subprotocol that a page offers; the second is the token. */
export const SOCKET_PROTOCOL = 'lamella.studio.1';

/** Bytes of a frame at most; a server refuses those beyond 64 MiB. */
const FRAME_BYTES = 2 ** 24;
/** Bytes of a message at most. */
const MESSAGE_BYTES = 2 ** 31;
const HEADER_BYTES = 2 ** 25;

/** A WebSocket of the platform, or of `ws`. */
export interface SocketLike {
  send(frame: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: unknown) => void) | null;
}

/** A message as the frames that carry it. */
export function framesOf({ header, parts }: Message): readonly Uint8Array<ArrayBuffer>[] {
  const binary = parts.filter((part): part is Uint8Array => part instanceof Uint8Array);
  const text = new TextEncoder().encode(JSON.stringify({ sizes: binary.map(({ length }) => length), header }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length, true);
  const whole = concatenate([length, text, ...binary]) as Uint8Array<ArrayBuffer>;
  // The first one holds the header, however long.
  const ends = [Math.min(whole.length, Math.max(FRAME_BYTES, 4 + text.length))];
  while ((ends.at(-1) as number) < whole.length)
    ends.push(Math.min(whole.length, (ends.at(-1) as number) + FRAME_BYTES));
  return ends.map((end, i) => whole.subarray(ends[i - 1] ?? 0, end));
}

/** Puts messages together from frames, in the order in which they come. */
export class FrameReader {
  #frames: Uint8Array[] = [];
  #length = 0;
  #expected:
    | { readonly total: number; readonly at: number; readonly sizes: readonly number[]; readonly header: unknown }
    | undefined;

  /** @returns a message that is complete with this frame. @throws FormatError for bytes that are none */
  add(frame: Uint8Array): { readonly header: unknown; readonly parts: readonly Uint8Array[] } | undefined {
    this.#frames.push(frame);
    this.#length += frame.length;
    this.#expected ??= beginningOf(frame);
    const { total, at, sizes, header } = this.#expected;
    if (this.#length < total) return undefined;
    if (this.#length > total) throw refused('it is longer than it says');
    const whole = this.#frames.length === 1 ? frame : concatenate(this.#frames);
    this.#frames = [];
    this.#length = 0;
    this.#expected = undefined;
    let from = at;
    const parts = sizes.map((size) => {
      from += size;
      return whole.subarray(from - size, from);
    });
    return { header, parts };
  }
}

const refused = (problem: string): FormatError => new FormatError(`A message cannot be read: ${problem}.`);

function beginningOf(frame: Uint8Array) {
  if (frame.length < 4) throw refused('it is too short');
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(0, true);
  if (length > HEADER_BYTES || 4 + length > frame.length) throw refused('its header is cut off');
  let start: { readonly sizes?: unknown; readonly header?: unknown } | null;
  try {
    start = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(frame.subarray(4, 4 + length)));
  } catch (cause) {
    throw new FormatError('A message cannot be read: its header is not JSON.', { cause });
  }
  const sizes = start?.sizes;
  if (!Array.isArray(sizes) || !sizes.every(isNatural)) throw refused('it does not say how long its parts are');
  const total = sizes.reduce((sum, size) => sum + size, 4 + length);
  if (total > MESSAGE_BYTES) throw refused(`it takes ${total} bytes`);
  return { total, at: 4 + length, sizes, header: start?.header };
}

/** Messages by a WebSocket whose binary type is `arraybuffer`. What is no message closes it. */
export function socketChannel(socket: SocketLike): Channel {
  const reader = new FrameReader();
  return {
    carriesBlobs: false,
    send(message) {
      for (const frame of framesOf(message)) socket.send(frame);
    },
    onMessage(listener) {
      socket.onmessage = ({ data }) => {
        try {
          if (!(data instanceof ArrayBuffer)) throw refused('it is text');
          const message = reader.add(new Uint8Array(data));
          if (message !== undefined) listener(message);
        } catch {
          socket.close(1007, 'not a message');
        }
      };
    },
    onClose(listener) {
      socket.onclose = () => listener();
    },
    close: () => socket.close(),
  };
}
