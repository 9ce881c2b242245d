/**
 * Records of a journal: an edit, its undo or its redo as bytes.
 *
 *     u32 length of what follows the checksum | u32 CRC-32 of it | u32 length of the header | header, JSON | blocks
 *
 * The blocks, deflated, hold the changed labels: of each chunk runs of (pixels to skip, pixels, label before, label
 * after), ended by a run of 0 pixels. Labels are absolute, so that a record may be applied to labels that contain it.
 */

import { deflateSync, inflateSync } from 'fflate';
import { concatenate } from '../array/bytes.ts';
import { crc32 } from '../array/crc32.ts';
import { FormatError } from '../errors.ts';
import { ByteReader, ByteWriter } from './byte-stream.ts';
import { blankLabels, CHUNK_SIZE, type Labels } from './chunk.ts';
import type { Change, ChunkRuns } from './edit.ts';
import type { ChunkChange } from './label-layer.ts';
import type { LayerKind } from './label-values.ts';

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
      /** Those of labels without the labels, but with the keys of the chunks. */
      readonly changes: readonly RecordedChange[];
    }
  /** `edit`: the number of the edit that was undone or made once more. */
  | { readonly kind: 'undo' | 'redo'; readonly sequence: number; readonly edit: number }
  /** The label files contain everything up to this number. */
  | { readonly kind: 'saved'; readonly sequence: number };

export type RecordedChange =
  | Exclude<Change, { kind: 'labels' }>
  | (Omit<Extract<Change, { kind: 'labels' }>, 'chunks' | 'runs'> & { readonly keys: readonly number[] });

type Header = RecordHeader & { readonly version: number; readonly blocks: readonly number[] };

/**
 * An edit as a record.
 * @yields after each chunk, to pause in between
 */
export function* encodeEdit(
  {
    sequence,
    name,
    changes,
  }: { readonly sequence: number; readonly name: string; readonly changes: readonly Change[] },
  kind: LayerKind,
): Generator<void, Uint8Array> {
  const blank = blankLabels(kind, CHUNK_SIZE * CHUNK_SIZE);
  const runs = new ByteWriter();
  const blocks: Uint8Array[] = [];
  const stored: RecordedChange[] = [];
  for (const change of changes) {
    if (change.kind !== 'labels') {
      stored.push(change);
      continue;
    }
    const chunks = 'chunks' in change ? change.chunks : [];
    const { image, size, boxes } = change;
    stored.push({ kind: 'labels', image, size, boxes, keys: chunks.map(({ key }) => key) });
    for (const chunk of chunks) {
      writeRuns(chunk, blank, runs);
      if (runs.length >= BLOCK_BYTES) blocks.push(deflateSync(runs.take()));
      yield;
    }
  }
  if (runs.length > 0) blocks.push(deflateSync(runs.take()));
  return framed({ version: VERSION, kind: 'edit', sequence, name, changes: stored, blocks: sizesOf(blocks) }, blocks);
}

/** An undo, a redo or a mark as a record. */
export const encodeStep = (step: Exclude<RecordHeader, { kind: 'edit' }>): Uint8Array =>
  framed({ version: VERSION, ...step, blocks: [] }, []);

const sizesOf = (blocks: readonly Uint8Array[]): readonly number[] => blocks.map(({ length }) => length);

function writeRuns({ before, after }: ChunkChange, blank: Labels, runs: ByteWriter): void {
  const [old, now] = [before?.data ?? blank, after?.data ?? blank];
  const end = old.length;
  for (let p = 0, next = 0; ; p = next) {
    while (next < end && old[next] === now[next]) next++;
    if (next === end) break;
    const from = next;
    const [label, value] = [old[from], now[from]];
    while (next < end && old[next] === label && now[next] === value) next++;
    for (const number of [from - p, next - from, label, value]) runs.number(number);
  }
  runs.number(0);
  runs.number(0);
}

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
export const readHeader = (record: Uint8Array): RecordHeader => parts(record).header;

/** What a recorded edit changed; nothing for another record. @throws as `readHeader` */
export function changesOf(record: Uint8Array): readonly Change[] {
  const { header, blocks } = parts(record);
  if (header.kind !== 'edit') return [];
  let at = 0;
  const inflated = header.blocks.map((length) => {
    at += length;
    return inflateSync(blocks.subarray(at - length, at));
  });
  const reader = new ByteReader(concatenate(inflated));
  return header.changes.map((change): Change => {
    if (change.kind !== 'labels') return change;
    const { keys, ...described } = change;
    return { ...described, runs: keys.map((key) => readRuns(key, reader)) };
  });
}

function parts(record: Uint8Array): { readonly header: Header; readonly blocks: Uint8Array } {
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

function readRuns(key: number, reader: ByteReader): ChunkRuns {
  const runs: number[] = [];
  for (let p = 0; ; ) {
    const [skip, length] = [reader.number(), reader.number()];
    if (length === 0) return { key, runs: Int32Array.from(runs) };
    runs.push(p + skip, length, reader.number(), reader.number());
    p += skip + length;
  }
}
