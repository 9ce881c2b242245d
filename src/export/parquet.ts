/** Tables as Parquet, which pandas, R and Polars read (https://parquet.apache.org/docs/file-format). */

import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import { type Column, headerOf, type Table } from '../measure/table.ts';

/** Rows that are stored together. */
const ROWS_OF_GROUP = 100_000;

// As the format numbers them.
const [INT32, DOUBLE, BYTE_ARRAY] = [1, 5, 6];
const [REQUIRED, OPTIONAL] = [0, 1];
const [PLAIN, RLE] = [0, 3];
const SNAPPY = 1;
const UTF8 = 0;

type Values = Column['values'];

/**
 * A table as Parquet (Snappy): DOUBLE, INT32 and STRING columns under the same headers as the CSV. NaN is stored as
 * null, so that statistics skip it. The file's metadata entry `units` is a JSON object with each column's unit.
 */
export function writeParquet({ columns, rows }: Table): Uint8Array {
  const file = new ByteWriter();
  file.appendBytes(MAGIC);
  const groups: object[] = [];
  for (let from = 0; from === 0 || from < rows; from += ROWS_OF_GROUP) {
    const to = Math.min(rows, from + ROWS_OF_GROUP);
    const chunks = columns.map((column) => writeChunk(file, headerOf(column), column.values.slice(from, to)));
    groups.push({
      field_1: chunks.map(({ offset, description }) => ({ field_2: BigInt(offset), field_3: description })),
      field_2: BigInt(chunks.reduce((sum, { bytes }) => sum + bytes, 0)),
      field_3: BigInt(to - from),
    });
  }
  const units = columns.flatMap((column) => (column.unit === undefined ? [] : [[headerOf(column), column.unit]]));
  const start = file.offset;
  serializeTCompactProtocol(file, {
    field_1: 2,
    field_2: [{ field_4: 'table', field_5: columns.length }, ...columns.map(schemaOf)],
    field_3: BigInt(rows),
    field_4: groups,
    field_5: [{ field_1: 'units', field_2: JSON.stringify(Object.fromEntries(units)) }],
    field_6: 'lamella',
  });
  file.appendUint32(file.offset - start);
  file.appendBytes(MAGIC);
  return file.getBytes();
}

const MAGIC = new TextEncoder().encode('PAR1');

const typeOf = (values: Values): number =>
  values instanceof Int32Array ? INT32 : values instanceof Float64Array ? DOUBLE : BYTE_ARRAY;

function schemaOf(column: Column): object {
  const type = typeOf(column.values);
  return {
    field_1: type,
    field_3: type === DOUBLE ? OPTIONAL : REQUIRED,
    field_4: headerOf(column),
    ...(type === BYTE_ARRAY && { field_6: UTF8 }),
  };
}

/** Appends a column as one page. @returns its place, its bytes before compression, and what the file says of it */
function writeChunk(file: ByteWriter, name: string, values: Values) {
  const page = pageOf(values);
  const compressed = snappyCompress(page);
  const offset = file.offset;
  serializeTCompactProtocol(file, {
    field_1: 0,
    field_2: page.length,
    field_3: compressed.length,
    field_5: { field_1: values.length, field_2: PLAIN, field_3: RLE, field_4: RLE },
  });
  const bytes = file.offset - offset + page.length;
  file.appendBytes(compressed);
  const description = {
    field_1: typeOf(values),
    field_2: [PLAIN, RLE],
    field_3: [name],
    field_4: SNAPPY,
    field_5: BigInt(values.length),
    field_6: BigInt(bytes),
    field_7: BigInt(file.offset - offset),
    field_9: BigInt(offset),
  };
  return { offset, bytes, description };
}

function pageOf(values: Values): Uint8Array {
  const page = new ByteWriter();
  if (values instanceof Int32Array) page.appendBytes(bytesOf(values));
  else if (values instanceof Float64Array) {
    const isThere = (i: number): boolean => !Number.isNaN(values[i]);
    const runs = runLengths(values.length, isThere);
    page.appendUint32(runs.length);
    page.appendBytes(runs);
    page.appendBytes(bytesOf(values.filter((_, i) => isThere(i))));
  } else {
    for (const text of values) {
      const bytes = new TextEncoder().encode(text);
      page.appendUint32(bytes.length);
      page.appendBytes(bytes);
    }
  }
  return page.getBytes();
}

/** Which rows have a value, as runs of equal ones: twice the length of a run, and 1 or 0. */
function runLengths(rows: number, isThere: (row: number) => boolean): Uint8Array {
  const runs = new ByteWriter();
  for (let from = 0, to: number; from < rows; from = to) {
    to = from + 1;
    while (to < rows && isThere(to) === isThere(from)) to++;
    runs.appendVarInt(2 * (to - from));
    runs.appendUint8(Number(isThere(from)));
  }
  return runs.getBytes();
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array | Float64Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
