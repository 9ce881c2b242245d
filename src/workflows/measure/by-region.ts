/** Label maps that are larger than memory among those that are measured. */

import type { LabelKind, LabelKindSurvey } from '../../dataset/labels/label-kind.ts';
import { DatasetError, LamellaError, option } from '../../errors.ts';
import { baseName } from '../../files.ts';
import { matchInstances } from '../../metrics/instances.ts';
import { matchTable } from '../../metrics/match-objects.ts';
import type { ListedImage } from '../image-list.ts';
import { withClasses } from './classes.ts';
import type { MeasureItem, MeasureReader } from './inputs.ts';
import type { MeasuredKinds } from './label-objects.ts';
import { pixelSizeText } from './map-pixel-size.ts';
import type { RegionMap } from './region-map.ts';
import { openRegions } from './regions.ts';

/** Maps that are measured by region, all of which are counted, and why some cannot be measured. */
export class LargeMaps {
  readonly #maps: ReadonlyMap<MeasureItem, RegionMap | LamellaError>;

  constructor(maps: ReadonlyMap<MeasureItem, RegionMap | LamellaError>) {
    this.#maps = maps;
  }

  /**
   * The objects of a label map, per time point; undefined for one that is measured as a whole.
   * @throws LamellaError for one that cannot be measured
   */
  async measure(reader: MeasureReader, item: MeasureItem, kinds: MeasuredKinds) {
    const map = this.#maps.get(item);
    if (map instanceof LamellaError) throw map;
    return map && measureLarge(reader, item, map, kinds);
  }

  /**
   * Adds what the values of a label map or a ground truth are.
   * @param kind if it is known, other than by the file
   * @returns whether it is one of these
   */
  survey(listed: ListedImage, survey: LabelKindSurvey, kind: LabelKind | undefined): boolean {
    const items = [...this.#maps].filter(([{ labels, truth }]) => labels === listed || truth === listed);
    for (const [{ labels }, map] of items) {
      if (map instanceof LamellaError) continue;
      if (labels === listed) survey.addStated(map.labels, map.info.labelKind ?? kind ?? 'objects');
      else map.surveyTruth(survey, kind);
    }
    return items.length > 0;
  }
}

/** Counts the objects of all maps that do not fit into memory. A page is built without what this takes. */
export async function countLarge(reader: MeasureReader): Promise<LargeMaps> {
  const large = new Map<MeasureItem, RegionMap | LamellaError>();
  for (const item of reader.inputs.items) {
    try {
      const opened = await openRegions(reader, item);
      if (opened !== undefined) large.set(item, await counted(opened));
    } catch (cause) {
      if (!(cause instanceof LamellaError)) throw cause;
      large.set(item, cause);
    }
  }
  return new LargeMaps(large);
}

/** The map with its objects counted, closed. */
export async function counted(map: RegionMap): Promise<RegionMap> {
  try {
    await map.count();
    return map;
  } finally {
    await map.close();
  }
}

/** Which objects of a label map that is measured by region are left out. @throws DatasetError for classes */
export function droppedFrom(
  { options: { minSize = 0 } }: Pick<MeasureReader, 'options'>,
  file: string,
  { labels: { kind }, ignored }: MeasuredKinds,
): (label: number, pixels: number) => boolean {
  if (kind !== 'objects') {
    throw new DatasetError(
      'this is measured by region, for which the values of all label maps have to number objects.',
      { file, remedy: `Measure it by itself, or set ${option('as', 'objects')} if they do.` },
    );
  }
  const left = new Set(ignored.labels);
  return (label, pixels) => left.has(label) || pixels < minSize;
}

/** The objects of a label map that is measured by region, per time point. */
async function measureLarge(
  reader: MeasureReader,
  { name, group, labels }: MeasureItem,
  map: RegionMap,
  kinds: MeasuredKinds,
) {
  const source = baseName(labels.path);
  const { image } = map.others;
  reader.noted.add({ ...map.info, source });
  if (image !== undefined) reader.noted.add({ ...image, source: baseName(image.source ?? '') });
  reader.noted.add({ source, notes: ['It was measured by region, and no picture of it is shown.'] });
  const work = { kinds, isDropped: droppedFrom(reader, labels.path, kinds) };
  const found = await map.measure(work).finally(() => map.close());
  const size = pixelSizeText(map.info);
  return found.map(({ compared, table, ...each }, t) => ({
    ...each,
    table: each.classes === undefined ? table : withClasses(table, each.classes),
    name: found.length > 1 ? `${name}[${t}]` : name,
    group,
    t: found.length > 1 ? t : undefined,
    channels: map.channels,
    pixelSize: size,
    match: compared && matchTable(compared),
    matching: compared && matchInstances(compared),
  }));
}
