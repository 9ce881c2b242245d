/** Single values in the encoding of protocol buffers (https://protobuf.dev/programming-guides/encoding). */

/** How values are stored; groups, which ONNX does not have, are none of them. */
export const WireType = { varint: 0, bit64: 1, bytes: 2, bit32: 5 } as const;

export type WireType = (typeof WireType)[keyof typeof WireType];

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
const ENCODER = new TextEncoder();

/** UTF-8; a byte order mark is part of the text, and what is no UTF-8 is U+FFFD. */
export const decodeText = (bytes: Uint8Array): string => DECODER.decode(bytes);
export const encodeText = (text: string): Uint8Array<ArrayBuffer> => ENCODER.encode(text);

/** Reads values one after the other. Every method throws a RangeError if the bytes end early or are no such value. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Number and type of the field that follows. */
  tag(): readonly [no: number, wire: WireType] {
    const tag = Number(this.#varint());
    const [no, wire] = [Math.floor(tag / 8), tag % 8];
    if (no < 1 || no >= 2 ** 29 || !Object.values<number>(WireType).includes(wire)) {
      throw new RangeError(`There is no field ${no} of wire type ${wire}.`);
    }
    return [no, wire as WireType];
  }

  skip(wire: WireType): void {
    if (wire === WireType.varint) this.#varint();
    else if (wire === WireType.bytes) this.bytes();
    else this.#take(wire === WireType.bit64 ? 8 : 4);
  }

  /** A view of the bytes that are read. */
  bytes(): Uint8Array {
    const length = Number(this.#varint());
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  string(): string {
    return decodeText(this.bytes());
  }

  int32(): number {
    const value = this.#varint();
    return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
  }

  int64(): bigint {
    return BigInt.asIntN(64, BigInt(this.#varint()));
  }

  uint64(): bigint {
    return BigInt.asUintN(64, BigInt(this.#varint()));
  }

  float(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** Seven bits a byte, the lowest first; a bigint if it has more than seven bytes, and at most 70 bits. */
  #varint(): number | bigint {
    let value = 0;
    for (let i = 0; i < 7; i++) {
      const byte = this.#view.getUint8(this.#take(1));
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value;
    }
    let long = BigInt(value);
    for (let i = 7; i < 10; i++) {
      const byte = this.#view.getUint8(this.#take(1));
      long += BigInt(byte & 127) << BigInt(7 * i);
      if (byte < 128) return long;
    }
    throw new RangeError('A number has more than ten bytes.');
  }

  /** @returns where the next `count` bytes begin */
  #take(count: number): number {
    const from = this.#at;
    if (from + count > this.#bytes.length) throw new RangeError('The bytes end early.');
    this.#at += count;
    return from;
  }
}

/** Writes values one after the other. Arrays that are given must not change until `finish`, which alone copies them. */
export class WireWriter {
  readonly #parts: (Uint8Array | number[])[] = [];
  /** Single bytes after the last part. */
  #rest: number[] = [];

  tag(no: number, wire: WireType): void {
    this.#varint(no * 8 + wire);
  }

  /** What another writer has, after its length: a message, or packed numbers. */
  nested(inner: WireWriter): void {
    const parts = [...inner.#parts, inner.#rest];
    this.#varint(lengthOf(parts));
    this.#append(parts);
  }

  bytes(value: Uint8Array): void {
    this.#varint(value.length);
    this.#append([value]);
  }

  string(value: string): void {
    this.bytes(encodeText(value));
  }

  int32(value: number): void {
    this.#varint(value);
  }

  int64(value: bigint): void {
    this.#varint(value);
  }

  uint64(value: bigint): void {
    this.#varint(value);
  }

  float(value: number): void {
    this.#rest.push(...new Uint8Array(Float32Array.of(value).buffer));
  }

  double(value: number): void {
    this.#rest.push(...new Uint8Array(Float64Array.of(value).buffer));
  }

  finish(): Uint8Array<ArrayBuffer> {
    const parts = [...this.#parts, this.#rest];
    const all = new Uint8Array(lengthOf(parts));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #append(parts: readonly (Uint8Array | number[])[]): void {
    this.#parts.push(this.#rest);
    // One by one: a message of many nodes has more parts than a call can have arguments.
    for (const part of parts) this.#parts.push(part);
    this.#rest = [];
  }

  /** Of a negative number, its 64 bits. */
  #varint(value: number | bigint): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) this.#rest.push(Number(rest & 127n) | 128);
    this.#rest.push(Number(rest));
  }
}

const lengthOf = (parts: readonly (Uint8Array | number[])[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0);
