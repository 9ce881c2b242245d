/**
 * Records of a journal: an edit, its undo or its redo as bytes.
 *
 *     u32 length of what follows the checksum | u32 CRC-32 of it | u32 length of the header | header, JSON | blocks
 *
 * The blocks, deflated, hold the runs of the changed chunks (`ChunkRuns`) one after another. Labels are absolute, so that
 * a record may be applied to labels that contain it already.
 */

import { deflateSync, inflateSync } from 'fflate';
import { concatenate } from '../array/bytes.ts';
import { crc32 } from '../array/crc32.ts';
import { FormatError } from '../errors.ts';
import type { Change, LabelChange } from './edit.ts';

const VERSION = 1;
const FRAME_BYTES = 8;
/** Runs are deflated when so many bytes of them have come together. */
const BLOCK_BYTES = 1 << 16;

/** What a record says; numbers count records from 1. */
export type RecordHeader =
  | {
      readonly kind: 'edit';
      readonly sequence: number;
      readonly name: string;
      readonly changes: readonly RecordedChange[];
    }
  /** `edit`: the number of the edit that was undone or made once more. */
  | { readonly kind: 'undo' | 'redo'; readonly sequence: number; readonly edit: number }
  /** The files of the project contain everything up to this number. */
  | { readonly kind: 'saved'; readonly sequence: number };

/** A change whose labels, if it has any, are in the blocks. */
export type RecordedChange =
  | Exclude<Change, LabelChange>
  | (Omit<LabelChange, 'chunks'> & { readonly chunks: readonly (readonly [key: number, bytes: number])[] });

type Header = RecordHeader & { readonly version: number; readonly blocks: readonly number[] };

/**
 * An edit as a record.
 * @yields after each chunk, to pause in between
 */
export function* encodeEdit(sequence: number, name: string, changes: readonly Change[]): Generator<void, Uint8Array> {
  const blocks: Uint8Array[] = [];
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const endBlock = (): void => {
    if (bytes > 0) blocks.push(deflateSync(concatenate(pieces)));
    pieces = [];
    bytes = 0;
  };
  for (const change of changes) {
    for (const { runs } of change.kind === 'labels' ? change.chunks : []) {
      pieces.push(runs);
      bytes += runs.length;
      if (bytes >= BLOCK_BYTES) endBlock();
      yield;
    }
  }
  endBlock();
  const recorded = changes.map(
    (change): RecordedChange =>
      change.kind === 'labels'
        ? { ...change, chunks: change.chunks.map(({ key, runs }) => [key, runs.length] as const) }
        : change,
  );
  const sizes = blocks.map(({ length }) => length);
  return framed({ version: VERSION, kind: 'edit', sequence, name, changes: recorded, blocks: sizes }, blocks);
}

/** An undo, a redo or a mark as a record. */
export const encodeStep = (step: Exclude<RecordHeader, { kind: 'edit' }>): Uint8Array =>
  framed({ version: VERSION, ...step, blocks: [] }, []);

function framed(header: Header, blocks: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const payload = concatenate([uint32(text.length), text, ...blocks]);
  return concatenate([uint32(payload.length), uint32(crc32(payload)), payload]);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/**
 * The records at the start of some bytes, up to the first that is incomplete or damaged, as the last one is if it was
 * being written when a program or a computer stopped.
 * @returns views on the bytes; `end`: bytes of all of them
 */
export function splitRecords(bytes: Uint8Array): { readonly records: readonly Uint8Array[]; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at + FRAME_BYTES <= bytes.length) {
    const end = at + FRAME_BYTES + view.getUint32(at, true);
    // A record is never empty: zeros are what a file system may leave behind.
    if (end > bytes.length || end === at + FRAME_BYTES) break;
    if (crc32(bytes.subarray(at + FRAME_BYTES, end)) !== view.getUint32(at + 4, true)) break;
    records.push(bytes.subarray(at, end));
    at = end;
  }
  return { records, end: at };
}

/** What a record says, without the labels of an edit. @throws FormatError for a record of a newer version */
export const readHeader = (record: Uint8Array): RecordHeader => partsOf(record).header;

/** What a recorded edit changed; nothing for another record. @throws as `readHeader` */
export function changesOf(record: Uint8Array): readonly Change[] {
  const { header, blocks } = partsOf(record);
  if (header.kind !== 'edit') return [];
  const all = concatenate(cut(blocks, header.blocks).map((block) => inflateSync(block)));
  let at = 0;
  return header.changes.map((change): Change => {
    if (change.kind !== 'labels') return change;
    const sizes = change.chunks.map(([, bytes]) => bytes);
    const runs = cut(all.subarray(at), sizes);
    at += sizes.reduce((sum, bytes) => sum + bytes, 0);
    return { ...change, chunks: change.chunks.map(([key], i) => ({ key, runs: runs[i] })) };
  });
}

/** Pieces of these sizes, from the start. */
function cut(bytes: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return bytes.subarray(at - size, at);
  });
}

function partsOf(record: Uint8Array): { readonly header: Header; readonly blocks: Uint8Array } {
  const length = new DataView(record.buffer, record.byteOffset, record.byteLength).getUint32(FRAME_BYTES, true);
  const from = FRAME_BYTES + 4;
  const header: Header = JSON.parse(new TextDecoder().decode(record.subarray(from, from + length)));
  if (header.version > VERSION) {
    throw new FormatError(`a record of the journal has version ${header.version}; up to ${VERSION} is read.`, {
      remedy: 'Update Lamella.',
    });
  }
  return { header, blocks: record.subarray(from + length) };
}
