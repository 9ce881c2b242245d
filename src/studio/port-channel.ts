import type { BlobLike } from '../files.ts';
import type { Channel } from './protocol.ts';

/** A `MessagePort`, a `Worker`, or the scope of one. */
export interface PortLike {
  postMessage(message: unknown, transfer: readonly unknown[]): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  close?(): void;
  terminate?(): void;
}

/**
 * Messages by a port: bytes are copied once and then handed over, Blobs are shared.
 * @param closed resolves when the other side has ended; a port does not say so itself
 */
export function portChannel(port: PortLike, closed?: Promise<unknown>): Channel {
  return {
    carriesBlobs: true,
    send({ header, parts }) {
      const own = parts.map((part) => (part instanceof Uint8Array ? part.slice() : part));
      const buffers = own.flatMap((part: Uint8Array | BlobLike) => (part instanceof Uint8Array ? [part.buffer] : []));
      port.postMessage({ header, parts: own }, buffers);
    },
    onMessage(listener) {
      port.onmessage = ({ data }) => {
        const { header, parts } = (data ?? {}) as { readonly header?: unknown; readonly parts?: unknown };
        listener({ header, parts: Array.isArray(parts) ? parts : [] });
      };
    },
    onClose(listener) {
      closed?.then(listener, listener);
    },
    close() {
      port.close?.();
      port.terminate?.();
    },
  };
}
