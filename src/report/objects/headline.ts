/** The figures at the top of the object report, and its note on pixel sizes. */

import { median } from '../../array/quantile.ts';
import { counted, option } from '../../errors.ts';
import { headerOf, type Table, tableColumn } from '../../measure/table.ts';
import type { InstanceScores } from '../../metrics/instances.ts';
import type { Figure } from '../run/data.ts';
import { sumOfMatches } from './counts.ts';
import type { ObjectsReport } from './data.ts';

export function objectsHeadline(
  { images, table }: Pick<ObjectsReport, 'images' | 'table'>,
  scores: InstanceScores | undefined,
): readonly Figure[] {
  const sizes = table.columns.filter(({ name }) => name === 'area' || name === 'volume');
  const [size] = sizes;
  const typical = (column: Table['columns'][number]): string =>
    String(Number(median(tableColumn(table, headerOf(column)).values as ArrayLike<number>).toPrecision(3)));
  const covered = images.flatMap((image) => (image.covered === null ? [] : [image.covered]));
  const mean = covered.reduce((a, b) => a + b, 0) / Math.max(1, covered.length);
  const sum = sumOfMatches(images);
  return [
    {
      label: 'Objects',
      value: table.rows.toLocaleString('en'),
      note:
        images.length === 1
          ? 'in one image'
          : `in ${images.length} images, ${(table.rows / Math.max(1, images.length)).toFixed(1)} per image`,
    },
    // Several pixel sizes have no common median.
    ...(size === undefined || sizes.length > 1 || table.rows === 0
      ? []
      : [{ label: `Median ${size.name}`, value: `${typical(size)} ${size.unit ?? ''}`.trim() }]),
    { label: 'Covered', value: `${(100 * mean).toFixed(1)} %`, note: 'of the image area' },
    ...(scores === undefined
      ? []
      : [
          {
            label: 'AP at IoU 0.5',
            value: (scores.perThreshold[0]?.averagePrecision ?? Number.NaN).toFixed(3),
            note: `${sum.truth.toLocaleString('en')} ground-truth objects`,
          },
          { label: 'Merged, split', value: `${sum.merged}, ${sum.split}` },
          { label: 'Missed, spurious', value: `${sum.missed}, ${sum.spurious}` },
        ]),
  ];
}

export function pixelSizeNotes(sizes: ReadonlyMap<string, number>): readonly string[] {
  return [...sizes].map(([size, count]) => {
    const which = sizes.size === 1 ? '' : ` (${counted(count, 'image')})`;
    return size === ''
      ? `The pixel size is unknown, so lengths are in pixels${which}; set ${option('spacing')}.`
      : `Pixel size ${size}${which}.`;
  });
}
