/**
 * Checkpoints: everything needed to resume a run bit for bit. One binary file each.
 *
 * Layout, little-endian: the 8 bytes `LAMELLA\n`, uint32 CRC-32 of everything after it, uint32 length of the header,
 * the header as JSON padded with spaces to a multiple of 8, then the tensors in the order of the header, each padded
 * with zeros to a multiple of 8.
 */

import { crc32 } from '../array/crc32.ts';
import { allocate, bytesPer, type DType, elementCount, type NdArray } from '../array/ndarray.ts';
import { allOf, RunError } from '../errors.ts';
import { RUN_FILES, type Store } from './store.ts';

/** The best validation so far. */
export interface Best {
  readonly step: number;
  readonly score: number;
}

export interface Checkpoint {
  /** Number of completed steps. */
  readonly step: number;
  readonly best: Best | undefined;
  /** Hash of the configuration that produced it: another configuration cannot resume from here. */
  readonly configHash: string;
  /** The state of the step's program: parameters, optimizer state, averaged weights. */
  readonly state: { readonly [name: string]: NdArray };
}

interface Header {
  readonly step: number;
  /** JSON has no NaN, the score of an undefined prediction: it is stored as null. */
  readonly best?: { readonly step: number; readonly score: number | null };
  readonly configHash: string;
  readonly tensors: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] }[];
}

const MAGIC = 'LAMELLA\n';
const PREFIX = 16;
const KEPT = 2;
const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** @returns the file's bytes */
export function encodeCheckpoint({ step, best, configHash, state }: Checkpoint): Uint8Array {
  const names = Object.keys(state).sort();
  const header: Header = {
    step,
    best,
    configHash,
    tensors: names.map((name) => {
      const { dtype, shape } = state[name] as NdArray;
      return { name, dtype, shape };
    }),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = padded(text.length);
  let size = PREFIX + headerBytes;
  for (const name of names) size += padded((state[name] as NdArray).data.byteLength);
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode(MAGIC), 0);
  const view = new DataView(bytes.buffer);
  view.setUint32(12, headerBytes, true);
  bytes.fill(0x20, PREFIX, PREFIX + headerBytes);
  bytes.set(text, PREFIX);
  let at = PREFIX + headerBytes;
  for (const name of names) {
    const { data } = state[name] as NdArray;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += padded(data.byteLength);
  }
  view.setUint32(8, crc32(bytes.subarray(12)), true);
  return bytes;
}

/**
 * @param file for messages
 * @throws RunError if the bytes are not a complete checkpoint.
 */
export function decodeCheckpoint(bytes: Uint8Array, file: string): Checkpoint {
  const damaged = (what: string): RunError => new RunError(`this checkpoint is damaged (${what}).`, { file });
  if (bytes.length < PREFIX || new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC)
    throw damaged('it does not begin as one');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (crc32(bytes.subarray(12)) !== view.getUint32(8, true)) throw damaged('its checksum does not match');
  const headerBytes = view.getUint32(12, true);
  const { step, best, configHash, tensors } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(PREFIX, PREFIX + headerBytes)),
  ) as Header;
  const state: { [name: string]: NdArray } = {};
  let at = PREFIX + headerBytes;
  for (const { name, dtype, shape } of tensors) {
    const length = elementCount(shape);
    const size = length * bytesPer(dtype);
    const data = allocate(dtype, length);
    new Uint8Array(data.buffer).set(bytes.subarray(at, at + size));
    state[name] = { dtype, shape, data };
    at += padded(size);
  }
  return { step, best: best && { ...best, score: best.score ?? Number.NaN }, configHash, state };
}

const nameOf = (step: number): string => `${RUN_FILES.checkpoints}/step-${String(step).padStart(9, '0')}.ckpt`;

async function checkpointFiles(store: Store): Promise<readonly string[]> {
  const names = await store.list(RUN_FILES.checkpoints);
  return names.filter((name) => /^step-\d+\.ckpt$/.test(name)).map((name) => `${RUN_FILES.checkpoints}/${name}`);
}

/** Whether all floating-point values are finite. */
export function allFinite(state: Checkpoint['state']): boolean {
  for (const { data, dtype } of Object.values(state)) {
    if (dtype !== 'float32') continue;
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  }
  return true;
}

/** Writes a checkpoint and deletes all but the newest two. Returns its name within the run. */
export async function saveCheckpoint(store: Store, checkpoint: Checkpoint): Promise<string> {
  const file = nameOf(checkpoint.step);
  await store.write(file, encodeCheckpoint(checkpoint));
  const files = (await checkpointFiles(store)).toSorted();
  for (const old of files.slice(0, Math.max(0, files.length - KEPT))) if (old !== file) await store.remove(old);
  return file;
}

/**
 * The newest intact checkpoint; undefined if the run has none yet.
 * @returns also the damaged files, to be reported to the user
 * @throws RunError if all checkpoints are damaged, or if it belongs to another configuration.
 */
export async function loadCheckpoint(
  store: Store,
  configHash: string,
): Promise<{ readonly checkpoint: Checkpoint | undefined; readonly damaged: readonly string[] }> {
  const files = (await checkpointFiles(store)).toSorted().reverse();
  const damaged: string[] = [];
  for (const file of files) {
    const bytes = await store.read(file);
    if (bytes === undefined) continue;
    let checkpoint: Checkpoint;
    try {
      checkpoint = decodeCheckpoint(bytes, store.pathOf(file));
    } catch (cause) {
      if (!(cause instanceof RunError)) throw cause;
      damaged.push(store.pathOf(file));
      continue;
    }
    if (checkpoint.configHash !== configHash) {
      throw new RunError('this checkpoint was made with another configuration.', {
        file: store.pathOf(file),
        remedy: `Put the run's own ${RUN_FILES.config} back, or start a new run.`,
      });
    }
    return { checkpoint, damaged };
  }
  if (damaged.length > 0) {
    throw new RunError(`${allOf(damaged.length, 'checkpoint')} ${damaged.length === 1 ? 'is' : 'are'} damaged.`, {
      file: store.pathOf(RUN_FILES.checkpoints),
      remedy: `Start again with the same options (${RUN_FILES.config}) in a new folder.`,
    });
  }
  return { checkpoint: undefined, damaged };
}
