/** What ONNX Runtime's errors say; it has no codes for them in JavaScript. */

import type { Facts } from '../errors.ts';
import type { DeviceName } from './runtime.ts';

/** The first line of ONNX Runtime's message. */
export function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
}

/** As ONNX Runtime, C++, V8 and WebGPU put it. */
const NO_MEMORY =
  /bad_alloc|out of memory|failed to allocate|allocation failed|cannot enlarge memory|not enough memory/i;

/** Facts of an error of a device whose cause is missing memory; undefined for another cause. */
export function outOfMemory(cause: unknown, device: DeviceName): Facts | undefined {
  if (!NO_MEMORY.test(cause instanceof Error ? cause.message : String(cause))) return undefined;
  return { code: 'out-of-memory', ...(device === 'wasm' && { isFinal: true }) };
}
