/**
 * Globals that the core uses: those of the WinterTC minimum common API that Node, browsers, Deno and Bun all have.
 * The platforms bring their own, fuller types.
 */

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  /** `utf-8` by default; `latin1` is read as windows-1252, which differs from ISO 8859-1 at 0x80 to 0x9f. */
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  decode(bytes?: ArrayBufferView | ArrayBuffer): string;
}

declare class URL {
  constructor(url: string, base?: string);
  readonly href: string;
  readonly protocol: string;
}

interface ImportMeta {
  /** The address of the module. */
  readonly url: string;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

/** Bytes as one character per byte, to base64. */
declare function btoa(binary: string): string;

declare const performance: {
  /** Milliseconds since a fixed moment, monotonic. */
  now(): number;
};

interface MessagePort {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  close(): void;
}

declare class MessageChannel {
  readonly port1: MessagePort;
  readonly port2: MessagePort;
}
