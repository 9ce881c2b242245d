import { parquetWriteBuffer } from 'hyparquet-writer/src/write.js';
import { headerOf, type Table } from '../measure/table.ts';

type Source = Parameters<typeof parquetWriteBuffer>[0]['columnData'][number];

/**
 * A table as Parquet (Snappy): DOUBLE, INT32 and STRING columns under the same headers as the CSV. NaN is stored as
 * null, so that statistics skip it. The file's metadata entry `units` is a JSON object with each column's unit.
 */
export function writeParquet({ columns }: Table): Uint8Array {
  const columnData = columns.map((column): Source => {
    const { values } = column;
    const name = headerOf(column);
    if (values instanceof Int32Array) return { name, data: values, type: 'INT32', nullable: false };
    if (values instanceof Float64Array) {
      const missing = values.some(Number.isNaN);
      const data = missing ? Array.from(values, (value) => (Number.isNaN(value) ? null : value)) : values;
      return { name, data, type: 'DOUBLE', nullable: true };
    }
    return { name, data: [...values], type: 'STRING', nullable: false };
  });
  const units = columns.flatMap((column) => (column.unit === undefined ? [] : [[headerOf(column), column.unit]]));
  return new Uint8Array(
    parquetWriteBuffer({
      columnData,
      kvMetadata: [{ key: 'units', value: JSON.stringify(Object.fromEntries(units)) }],
      createdBy: 'lamella',
    }),
  );
}
