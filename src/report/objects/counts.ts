import type { Table } from '../../measure/table.ts';
import type { MatchCounts, ObjectsImage } from './data.ts';

const MATCHES: readonly (keyof MatchCounts)[] = ['truth', 'matched', 'missed', 'merged', 'split', 'spurious'];

/**
 * One row per image: its number of objects, how much of it they cover, of several classes also how much each does, and how
 * they compare with the ground truth.
 */
export function countsTable(images: readonly ObjectsImage[]): Table {
  const matched = images.some(({ match }) => match !== undefined);
  const named = new Map(images.flatMap(({ shares = [] }) => shares.map(({ value, name }) => [value, name] as const)));
  const classes = named.size > 1 ? [...named].sort(([a], [b]) => a - b) : [];
  const shareOf = ({ shares: own }: ObjectsImage, value: number): number =>
    own === undefined ? Number.NaN : (own.find((share) => share.value === value)?.covered ?? 0);
  const grouped = images.some(({ group }) => group !== '');
  return {
    rows: images.length,
    columns: [
      ...(grouped ? [{ name: 'group', values: images.map(({ group }) => group) }] : []),
      { name: 'image', values: images.map(({ name }) => name) },
      { name: 'objects', values: Int32Array.from(images, ({ objects }) => objects) },
      { name: 'covered', unit: '%', values: Float64Array.from(images, ({ covered }) => 100 * (covered ?? Number.NaN)) },
      ...classes.map(([value, name]) => ({
        name: `covered_by_${name.replaceAll(' ', '_')}`,
        unit: '%',
        values: Float64Array.from(images, (image) => 100 * shareOf(image, value)),
      })),
      ...(matched
        ? MATCHES.map((name) => ({
            name,
            values: Float64Array.from(images, ({ match }) => match?.[name] ?? Number.NaN),
          }))
        : []),
    ],
  };
}

/** Sum over the images that have ground truth. */
export function sumOfMatches(images: readonly ObjectsImage[]): MatchCounts {
  const total = { truth: 0, predicted: 0, matched: 0, missed: 0, merged: 0, split: 0, spurious: 0 };
  for (const { match } of images) {
    if (match === undefined) continue;
    for (const key of Object.keys(total) as (keyof MatchCounts)[]) total[key] += match[key];
  }
  return total;
}
