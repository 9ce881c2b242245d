import { headerOf, type Table, tableColumn } from '../measure/table.ts';
import type { Polygon, Ring } from '../objects/rings.ts';
import type { OutlinedSlice } from './outlined-slices.ts';

export interface GeoJsonOptions {
  /** QuPath's type for the objects; default `detection`. */
  readonly objectType?: 'detection' | 'annotation' | 'cell';
  /** Class of the objects, by their labels if they differ; default: none. */
  readonly classification?: string | ReadonlyMap<number, string>;
  /** Measurements of the objects, matched by the column `label`. Text columns and non-finite values are omitted. */
  readonly table?: Table;
}

/**
 * Objects as a GeoJSON FeatureCollection (RFC 7946) for import into QuPath, named by their labels, with their
 * measurements; coordinates are pixels from the upper left corner of the image. Slices and time points use QuPath's
 * `plane`, for all channels.
 * @throws UsageError if the table has no column `label`.
 */
export function writeGeoJson(slices: readonly OutlinedSlice[], options: GeoJsonOptions = {}): string {
  const { objectType = 'detection', classification, table } = options;
  const measurementsOf = table === undefined ? () => undefined : measurementsByLabel(table);
  const features = slices.flatMap(({ z, t, outlines }) =>
    outlines.map(({ label, polygons }) => {
      const measurements = measurementsOf(label);
      const name = typeof classification === 'string' ? classification : classification?.get(label);
      return JSON.stringify({
        type: 'Feature',
        geometry: {
          ...geometryOf(polygons),
          ...(z === undefined && t === undefined ? {} : { plane: { c: -1, z: z ?? 0, t: t ?? 0 } }),
        },
        properties: {
          objectType,
          name: String(label),
          ...(name === undefined ? {} : { classification: { name } }),
          measurements,
        },
      });
    }),
  );
  return `{"type":"FeatureCollection","features":[\n${features.join(',\n')}\n]}\n`;
}

function geometryOf(polygons: readonly Polygon[]) {
  const coordinates = polygons.map(({ exterior, holes }) => [exterior, ...holes].map(positions));
  return coordinates.length === 1
    ? { type: 'Polygon', coordinates: coordinates[0] }
    : { type: 'MultiPolygon', coordinates };
}

/** Positions of a linear ring: the first is repeated at the end. */
function positions(ring: Ring): [number, number][] {
  const out: [number, number][] = [];
  for (let i = 0; i < ring.length; i += 2) out.push([ring[i], ring[i + 1]]);
  out.push([ring[0], ring[1]]);
  return out;
}

function measurementsByLabel(table: Table): (label: number) => Readonly<Record<string, number>> | undefined {
  const rows = new Map(
    Array.from(tableColumn(table, 'label').values as ArrayLike<number>, (label, row) => [label, row]),
  );
  const columns = table.columns.filter(({ name, values }) => name !== 'label' && !Array.isArray(values));
  return (label) => {
    const row = rows.get(label);
    if (row === undefined) return undefined;
    return Object.fromEntries(
      columns.flatMap((column) => {
        const value = column.values[row] as number;
        return Number.isFinite(value) ? [[headerOf(column), value]] : [];
      }),
    );
  };
}
