/** Messages in the encoding of protocol buffers, by tables of their fields. */

import { WireReader, WireType, WireWriter } from './wire.ts';

interface Scalars {
  readonly string: string;
  readonly bytes: Uint8Array;
  readonly int32: number;
  readonly int64: bigint;
  readonly uint64: bigint;
  readonly float: number;
  readonly double: number;
}

type Scalar = keyof Scalars;

const WIRE: { readonly [S in Scalar]: WireType } = {
  string: WireType.bytes,
  bytes: WireType.bytes,
  int32: WireType.varint,
  int64: WireType.varint,
  uint64: WireType.varint,
  float: WireType.bit32,
  double: WireType.bit64,
};

/** What is read where a file says nothing. */
const DEFAULTS: Scalars = { string: '', bytes: new Uint8Array(), int32: 0, int64: 0n, uint64: 0n, float: 0, double: 0 };

type TypeOf<T> = T extends string
  ? 'string'
  : T extends bigint
    ? 'int64' | 'uint64'
    : T extends number
      ? 'int32' | 'float' | 'double'
      : T extends Uint8Array
        ? 'bytes'
        : () => Schema<T>;

/** `list`: any number of values, `packed`: numbers, written one after the other, `oneof`: a scalar without a default. */
type Kind = 'list' | 'packed' | 'oneof';

/** Number and type of a field, and its kind. */
type FieldOf<T> = [T] extends [readonly (infer E)[]]
  ? readonly [no: number, type: TypeOf<E>, kind: E extends number | bigint ? 'list' | 'packed' : 'list']
  : [undefined, TypeOf<NonNullable<T>>] extends [T, Scalar]
    ? readonly [no: number, type: TypeOf<NonNullable<T>>, kind: 'oneof']
    : readonly [no: number, type: TypeOf<NonNullable<T>>];

type Message = Record<string, unknown>;

interface Field {
  readonly name: string;
  readonly no: number;
  readonly type: Scalar | (() => Schema<Message>);
  readonly kind: Kind | undefined;
}

const isList = ({ kind }: Field): boolean => kind === 'list' || kind === 'packed';

/** A kind of message. */
export interface Schema<M> {
  /** By number, ascending. */
  readonly fields: ReadonlyMap<number, Field>;
  /** The prototype of its messages: a field that was never set is no property of their own, and is not written. */
  readonly defaults: Partial<M>;
}

/** Fields to set, in messages within it, too. */
export type Init<T> = T extends Uint8Array | string | number | bigint
  ? T
  : T extends readonly (infer E)[]
    ? readonly Init<E>[]
    : { readonly [K in keyof T]?: Init<T[K]> | undefined };

/** @param fields by ascending number */
export function schemaOf<M>(fields: { readonly [K in keyof NoInfer<M>]-?: FieldOf<NoInfer<M>[K]> }): Schema<M> {
  const list = Object.entries(fields).map(([name, field]): Field => {
    const [no, type, kind] = field as readonly [number, Field['type'], Kind?];
    return { name, no, type, kind };
  });
  const defaults: Message = {};
  for (const { name, type, kind } of list) {
    if (kind === undefined && typeof type === 'string') defaults[name] = DEFAULTS[type];
  }
  return { fields: new Map(list.map((field) => [field.no, field])), defaults: defaults as Partial<M> };
}

/** A message with these fields; the others are empty lists, or what is read where a file says nothing. */
export function create<M>({ fields, defaults }: Schema<M>, init: Init<NoInfer<M>> = {} as Init<NoInfer<M>>): M {
  // A message already.
  if (Object.getPrototypeOf(init) === defaults) return init as M;
  const message = Object.create(defaults);
  for (const field of fields.values()) {
    const { name, type } = field;
    const value = (init as Message)[name];
    const made = (one: unknown): unknown => (typeof type === 'string' ? one : create(type(), one as Init<Message>));
    if (isList(field)) message[name] = ((value ?? []) as readonly unknown[]).map(made);
    else if (value !== undefined) message[name] = made(value);
  }
  return message;
}

/**
 * Reads a message; fields that the schema lacks are skipped.
 * @throws Error if the bytes are no message, or are cut off
 */
export function fromBinary<M>(schema: Schema<M>, bytes: Uint8Array): M {
  const message = create(schema);
  readInto(message as Message, schema, bytes);
  return message;
}

/** A message that occurs more than once is what all of them say together. */
function readInto(message: Message, { fields }: Schema<unknown>, bytes: Uint8Array): void {
  const reader = new WireReader(bytes);
  while (!reader.isAtEnd) {
    const [no, wire] = reader.tag();
    const field = fields.get(no);
    const own = field === undefined ? undefined : wireOf(field);
    const isPacked = field !== undefined && isList(field) && own !== WireType.bytes && wire === WireType.bytes;
    if (field === undefined || (wire !== own && !isPacked)) {
      reader.skip(wire);
      continue;
    }
    const { name, type } = field;
    const list = isList(field) ? (message[name] as unknown[]) : undefined;
    const value = (from: WireReader): unknown => {
      if (typeof type === 'string') return from[type]();
      const inner = (list === undefined ? message[name] : undefined) ?? create(type());
      readInto(inner as Message, type(), from.bytes());
      return inner;
    };
    if (list === undefined) message[name] = value(reader);
    else if (!isPacked) list.push(value(reader));
    else for (const packed = new WireReader(reader.bytes()); !packed.isAtEnd; ) list.push(value(packed));
  }
}

const wireOf = ({ type }: Field): WireType => (typeof type === 'string' ? WIRE[type] : WireType.bytes);

/** The bytes of a message: its own fields, in the order of their numbers. */
export function toBinary<M>(schema: Schema<M>, message: M): Uint8Array<ArrayBuffer> {
  return written(schema, message as Message).finish();
}

function written({ fields }: Schema<unknown>, message: Message): WireWriter {
  const writer = new WireWriter();
  for (const field of fields.values()) {
    const { name, no, type, kind } = field;
    const value = Object.hasOwn(message, name) ? message[name] : undefined;
    if (value === undefined) continue;
    const all = (isList(field) ? value : [value]) as readonly never[];
    const packed = kind === 'packed' && all.length > 0 ? new WireWriter() : undefined;
    for (const one of all) {
      if (packed === undefined) writer.tag(no, wireOf(field));
      if (typeof type === 'string') (packed ?? writer)[type](one);
      else writer.nested(written(type(), one));
    }
    if (packed === undefined) continue;
    writer.tag(no, WireType.bytes);
    writer.nested(packed);
  }
  return writer;
}
