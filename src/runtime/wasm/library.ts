/**
 * ONNX Runtime's WebAssembly as `ort-wasm-simd-threaded.mjs` loads it: the C functions that it exports, which take and
 * return addresses in its memory, and what it takes to call them.
 */

/** The exports that are used, of onnxruntime-web 1.30. Functions that fail return 0, or a code other than 0. */
export interface OrtWasm {
  /** The memory, shared by all threads. Views are made again when it has grown: read it anew each time. */
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
  stackSave(): number;
  stackAlloc(bytes: number): number;
  stackRestore(address: number): void;
  /** Also looks whether another thread has let the memory grow. `*` is an address. */
  getValue(address: number, type: '*' | 'i32'): number;
  setValue(address: number, value: number, type: '*' | 'i32'): void;
  UTF8ToString(address: number): string;
  stringToUTF8(text: string, address: number, bytes: number): void;
  lengthBytesUTF8(text: string): number;

  _OrtInit(threads: number, loggingLevel: number): number;
  _OrtGetLastError(codeAt: number, messageAt: number): number;
  _OrtCreateSessionOptions(
    graphOptimizationLevel: number,
    enableCpuMemArena: boolean,
    enableMemPattern: boolean,
    executionMode: number,
    enableProfiling: boolean,
    profileFilePrefix: number,
    logId: number,
    logSeverityLevel: number,
    logVerbosityLevel: number,
    optimizedModelFilePath: number,
  ): number;
  _OrtAddSessionConfigEntry(options: number, key: number, value: number): number;
  _OrtReleaseSessionOptions(options: number): number;
  _OrtCreateSession(model: number, bytes: number, options: number): number;
  _OrtReleaseSession(session: number): number;
  _OrtGetInputOutputCount(session: number, inputsAt: number, outputsAt: number): number;
  _OrtGetInputOutputMetadata(session: number, index: number, nameAt: number, metadataAt: number): number;
  /** Frees what one of these functions has allocated. */
  _OrtFree(address: number): number;
  _OrtCreateTensor(
    dataType: number,
    data: number,
    bytes: number,
    dims: number,
    rank: number,
    /** 1: memory of the caller. */
    location: number,
  ): number;
  _OrtGetTensorData(tensor: number, dataTypeAt: number, dataAt: number, dimsAt: number, rankAt: number): number;
  _OrtReleaseTensor(tensor: number): number;
  _OrtCreateRunOptions(logSeverityLevel: number, logVerbosityLevel: number, terminate: boolean, tag: number): number;
  _OrtReleaseRunOptions(options: number): number;
  /** `values` and `outputs` are lists of tensors; an output that is 0 is made. */
  _OrtRun(
    session: number,
    inputNames: number,
    inputs: number,
    inputCount: number,
    outputNames: number,
    outputCount: number,
    outputs: number,
    options: number,
  ): number;
  _OrtEndProfiling(session: number): number;
}

/** Bytes of an address. */
const ADDRESS = 4;

/** Calls ONNX Runtime's functions with lists, strings and errors of JavaScript. */
export class OrtLibrary {
  readonly wasm: OrtWasm;

  constructor(wasm: OrtWasm) {
    this.wasm = wasm;
  }

  /** A null-terminated copy of a text. The caller frees it. */
  string(text: string): number {
    const { wasm } = this;
    const bytes = wasm.lengthBytesUTF8(text) + 1;
    const at = this.allocate(bytes);
    wasm.stringToUTF8(text, at, bytes);
    return at;
  }

  /** A copy of the array's bytes. The caller frees it. */
  copyIn(data: ArrayBufferView): number {
    const at = this.allocate(data.byteLength);
    this.bytes(at, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return at;
  }

  /** A view of the memory, valid until it grows. */
  bytes(at: number, length: number): Uint8Array {
    this.wasm.getValue(at, 'i32');
    return this.wasm.HEAPU8.subarray(at, at + length);
  }

  /** Addresses or sizes as a list on the stack. Freed by `onStack`. */
  list(values: readonly number[]): number {
    const { wasm } = this;
    const at = wasm.stackAlloc(values.length * ADDRESS);
    values.forEach((value, i) => {
      wasm.setValue(at + i * ADDRESS, value, '*');
    });
    return at;
  }

  /** The list of `length` addresses or sizes at an address. */
  listAt(at: number, length: number): number[] {
    return Array.from({ length }, (_, i) => this.wasm.getValue(at + i * ADDRESS, '*'));
  }

  /** Calls a function of `count` results, which it writes to consecutive addresses. @throws Error if it fails. */
  results(count: number, call: (...at: number[]) => number): number[] {
    return this.onStack(() => {
      const at = this.list(new Array<number>(count).fill(0));
      this.check(call(...Array.from({ length: count }, (_, i) => at + i * ADDRESS)));
      return this.listAt(at, count);
    });
  }

  /** Frees what `action` has put onto the stack. */
  onStack<T>(action: () => T): T {
    const before = this.wasm.stackSave();
    try {
      return action();
    } finally {
      this.wasm.stackRestore(before);
    }
  }

  /** @throws Error with ONNX Runtime's message if a function has returned a code. */
  check(code: number): void {
    if (code === 0) return;
    const { wasm } = this;
    throw this.onStack(() => {
      const at = this.list([0, 0]);
      wasm._OrtGetLastError(at, at + ADDRESS);
      return new Error(wasm.UTF8ToString(wasm.getValue(at + ADDRESS, '*')));
    });
  }

  /** @returns what a function has made. @throws Error with ONNX Runtime's message if it is nothing. */
  made(handle: number): number {
    this.check(handle === 0 ? 1 : 0);
    return handle;
  }

  private allocate(bytes: number): number {
    const at = this.wasm._malloc(Math.max(1, bytes));
    if (at === 0) throw new Error(`Failed to allocate ${bytes} bytes.`);
    return at;
  }
}
