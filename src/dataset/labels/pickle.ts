/**
 * A closed reader of Python pickles (protocols 0 to 4, PEP 307 and 3154): plain values, containers and NumPy arrays. It
 * calls nothing: the few names that NumPy's own pickles mention are built here, every other name and opcode is refused.
 */

import { FormatError } from '../../errors.ts';

type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | NumpyArray
  | NumpyType
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Global;

/** A function or class that the file names; nothing is done with it. */
class Global {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

class NumpyType {
  /** Such as `u2`. */
  readonly code: string;
  bigEndian = false;
  constructor(code: string) {
    this.code = code;
  }
}

export class NumpyArray {
  shape: readonly number[] = [];
  type: NumpyType | undefined;
  fortran = false;
  /** Bytes of numbers, or Python's objects. */
  content: Uint8Array | readonly PickleValue[] = [];
}

/** What NumPy's pickles call, by the names of NumPy 1 and 2. */
const CALLS: Readonly<Record<string, (args: PickleValue[]) => PickleValue>> = {
  'numpy.core.multiarray._reconstruct': () => new NumpyArray(),
  'numpy._core.multiarray._reconstruct': () => new NumpyArray(),
  'numpy.dtype': ([code]) => new NumpyType(String(code)),
  'numpy.core.multiarray.scalar': ([type, bytes]) => scalar(type, bytes),
  'numpy._core.multiarray.scalar': ([type, bytes]) => scalar(type, bytes),
  // Bytes in protocol 2: a string of Latin-1.
  '_codecs.encode': ([text]) => Uint8Array.from(String(text), (letter) => letter.charCodeAt(0)),
};
/** Named as an argument only. */
const NAMES = new Set(['numpy.ndarray', ...Object.keys(CALLS)]);

const isBytes = (value: PickleValue | undefined): value is Uint8Array => value instanceof Uint8Array;

/** Floats and integers up to 32 bits; others are of no use here. */
function scalar(type: PickleValue | undefined, bytes: PickleValue | undefined): PickleValue {
  if (!(type instanceof NumpyType) || !isBytes(bytes)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = !type.bigEndian;
  if (type.code === 'f8') return view.getFloat64(0, little);
  if (type.code === 'f4') return view.getFloat32(0, little);
  if (type.code === 'i8') return Number(view.getBigInt64(0, little));
  if (type.code === 'b1') return view.getUint8(0) !== 0;
  return null;
}

/**
 * The value of a pickle.
 * @param file for messages
 * @throws FormatError naming the opcode or the function, for anything but plain values and NumPy arrays; for truncated
 * data
 */
export function readPickle(bytes: Uint8Array, file: string): PickleValue {
  try {
    return new Reader(bytes, file).run();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new FormatError('the pickle is truncated or damaged.', { file, remedy: REMEDY, cause });
  }
}

const REMEDY = 'Save the masks as TIFF or PNG instead.';

class Reader {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly memo = new Map<number, PickleValue>();
  at = 0;
  stack: PickleValue[] = [];
  readonly marks: PickleValue[][] = [];

  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
  }

  run(): PickleValue {
    for (;;) {
      const code = this.uint8();
      if (code === STOP) return this.pop();
      const step = STEPS[code];
      if (step === undefined) throw this.refuse(`the opcode 0x${code.toString(16)}`);
      const value = step(this);
      if (value !== undefined) this.push(value);
    }
  }

  refuse(what: string): FormatError {
    return new FormatError(`the pickle uses ${what}, which is not supported; nothing of it was run.`, {
      file: this.file,
      remedy: REMEDY,
    });
  }

  number(bytes: number, read: (at: number) => number): number {
    const value = read(this.at);
    this.at += bytes;
    return value;
  }

  readonly uint8 = (): number => this.number(1, (at) => this.view.getUint8(at));

  count(bytes: 4 | 8): number {
    const read = (at: number): number =>
      bytes === 4 ? this.view.getUint32(at, true) : Number(this.view.getBigUint64(at, true));
    return this.number(bytes, read);
  }

  take(count: number): Uint8Array {
    if (this.at + count > this.bytes.length) throw new RangeError('end');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  text(count: number): string {
    return new TextDecoder().decode(this.take(count));
  }

  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw new RangeError('end');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  mark(): void {
    this.marks.push(this.stack);
    this.stack = [];
  }

  memoize(key: number): void {
    this.memo.set(key, this.top());
  }

  recall(key: number): PickleValue {
    const value = this.memo.get(key);
    if (value === undefined) throw new RangeError('memo');
    return value;
  }

  top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw new RangeError('stack');
    return value;
  }

  pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  last(count: number): PickleValue[] {
    if (this.stack.length < count) throw new RangeError('stack');
    return this.stack.splice(this.stack.length - count);
  }

  toMark(): PickleValue[] {
    const items = this.stack;
    const below = this.marks.pop();
    if (below === undefined) throw new RangeError('mark');
    this.stack = below;
    return items;
  }

  append(items: PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw new RangeError('list');
    for (const item of items) list.push(item);
  }

  set(items: PickleValue[]): void {
    const map = this.top();
    if (!(map instanceof Map)) throw new RangeError('dict');
    for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i] as PickleValue, items[i + 1] as PickleValue);
  }

  global(name: string): Global {
    if (!NAMES.has(name)) throw this.refuse(`${name}`);
    return new Global(name);
  }

  call([callee, args]: PickleValue[]): PickleValue {
    const build = callee instanceof Global && Object.hasOwn(CALLS, callee.name) ? CALLS[callee.name] : undefined;
    if (build === undefined || !Array.isArray(args)) {
      throw this.refuse(callee instanceof Global ? `a call of ${callee.name}` : 'a call');
    }
    return build(args);
  }

  /** State of an array: (version, shape, dtype, fortran, content); of a dtype: (version, byte order, ...). */
  build(state: PickleValue): void {
    const target = this.top();
    if (!Array.isArray(state)) throw this.refuse('the opcode BUILD on an object that is not of NumPy');
    if (target instanceof NumpyType) target.bigEndian = state[1] === '>';
    else if (target instanceof NumpyArray) {
      const [, shape, type, fortran, content] = state;
      if (!Array.isArray(shape) || !(type instanceof NumpyType)) throw new RangeError('array');
      target.shape = shape.map(Number);
      target.type = type;
      target.fortran = fortran === true;
      target.content = isBytes(content) || Array.isArray(content) ? content : [];
    } else throw this.refuse('the opcode BUILD on an object that is not of NumPy');
  }
}

const STOP = 0x2e;

/** What each opcode does, by its code and with its name in Python's `pickletools`; a value that is returned is pushed. */
const STEPS: Readonly<Record<number, (reader: Reader) => PickleValue | undefined>> = {
  // PROTO
  128: (r) => void r.uint8(),
  // FRAME
  149: (r) => void r.count(8),
  // MARK
  40: (r) => void r.mark(),
  // NONE
  78: () => null,
  // NEWTRUE
  136: () => true,
  // NEWFALSE
  137: () => false,
  // BININT
  74: (r) => r.number(4, (at) => r.view.getInt32(at, true)),
  // BININT1
  75: (r) => r.uint8(),
  // BININT2
  77: (r) => r.number(2, (at) => r.view.getUint16(at, true)),
  // LONG1
  138: (r) => longOf(r.take(r.uint8())),
  // BINFLOAT
  71: (r) => r.number(8, (at) => r.view.getFloat64(at)),
  // SHORT_BINUNICODE
  140: (r) => r.text(r.uint8()),
  // BINUNICODE
  88: (r) => r.text(r.count(4)),
  // SHORT_BINSTRING
  85: (r) => r.text(r.uint8()),
  // BINSTRING
  84: (r) => r.text(r.count(4)),
  // SHORT_BINBYTES
  67: (r) => r.take(r.uint8()),
  // BINBYTES
  66: (r) => r.take(r.count(4)),
  // BINBYTES8
  142: (r) => r.take(r.count(8)),
  // EMPTY_DICT
  125: () => new Map(),
  // EMPTY_LIST
  93: () => [],
  // EMPTY_TUPLE
  41: () => [],
  // TUPLE
  116: (r) => r.toMark(),
  // LIST
  108: (r) => r.toMark(),
  // TUPLE1
  133: (r) => r.last(1),
  // TUPLE2
  134: (r) => r.last(2),
  // TUPLE3
  135: (r) => r.last(3),
  // APPEND
  97: (r) => void r.append([r.pop()]),
  // APPENDS
  101: (r) => void r.append(r.toMark()),
  // SETITEM
  115: (r) => void r.set(r.last(2)),
  // SETITEMS
  117: (r) => void r.set(r.toMark()),
  // POP
  48: (r) => void r.pop(),
  // MEMOIZE
  148: (r) => void r.memoize(r.memo.size),
  // BINPUT
  113: (r) => void r.memoize(r.uint8()),
  // LONG_BINPUT
  114: (r) => void r.memoize(r.count(4)),
  // BINGET
  104: (r) => r.recall(r.uint8()),
  // LONG_BINGET
  106: (r) => r.recall(r.count(4)),
  // GLOBAL
  99: (r) => r.global(`${r.line()}.${r.line()}`),
  // STACK_GLOBAL
  147: (r) => r.global(r.last(2).join('.')),
  // REDUCE
  82: (r) => r.call(r.last(2)),
  // BUILD
  98: (r) => void r.build(r.pop()),
};

/** Little-endian two's complement. */
function longOf(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  if (bytes.length > 0 && ((bytes.at(-1) as number) & 0x80) !== 0) value -= 1n << BigInt(8 * bytes.length);
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
