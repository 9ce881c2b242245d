/**
 * Labels restricted by regions: unpainted pixels of complete ones become background, and labels are kept only in some
 * of them.
 */

import type { Region } from '../annotate/region.ts';
import { addTo } from '../array/lists.ts';
import { DatasetError } from '../errors.ts';
import { type Annotation, COMPLETE, HELD, regionMask } from './labels/regions.ts';
import type { RawDataset, RawPage } from './raw.ts';

/** Background in label images. */
const BACKGROUND = 0;

/**
 * The regions of each slice of one file. @throws DatasetError for a duplicate number, or a slice that does not exist.
 */
function byPage(pages: readonly RawPage[], regions: readonly Region[], file: string): readonly (readonly Region[])[] {
  const seen = new Set<number>();
  for (const { id, slice } of regions) {
    if (seen.has(id)) {
      throw new DatasetError(`there are two regions ${id}.`, { file, remedy: 'Number the regions of an image.' });
    }
    seen.add(id);
    if (slice !== undefined && !pages.some(({ page }) => page === slice)) {
      throw new DatasetError(`region ${id} is outside its image: slice ${slice}; the image has ${pages.length}.`, {
        file,
        remedy: 'Use the annotation that was made on this image; slices count from 0.',
      });
    }
  }
  return pages.map(({ page }) => regions.filter(({ slice = page }) => slice === page));
}

function annotatedPage(page: RawPage, regions: readonly Region[], notAnnotated: number): RawPage {
  const { label, height, width, file } = page;
  if (regions.length === 0) {
    return label.values.includes(notAnnotated) ? { ...page, annotation: { notAnnotated, regions } } : page;
  }
  const mask = regionMask(regions, [height, width], file);
  const values = label.values.map((value, p) =>
    value === notAnnotated && ((mask[p] as number) & COMPLETE) !== 0 ? BACKGROUND : value,
  );
  return { ...page, label: { ...label, values }, annotation: { notAnnotated, regions } };
}

/**
 * The data set with its regions: each slice has its own, unpainted pixels are 0 in complete ones, and the value that
 * means "not annotated" is ignored everywhere else.
 * @throws DatasetError for regions of an image that does not exist, outside their image or its slices, with a duplicate
 * number, or that overlap if one is held out and one is not.
 */
export function annotate(raw: RawDataset, { notAnnotated, regions }: Annotation): RawDataset {
  const byFile = new Map<string, RawPage[]>();
  for (const page of raw.pages) addTo(byFile, page.file, page);
  const annotated = new Map<RawPage, RawPage>();
  for (const [file, own] of Object.entries(regions)) {
    const pages = byFile.get(file);
    if (pages === undefined) {
      throw new DatasetError(`there are regions of "${file}", which is no labelled image here.`, {
        file: raw.folder,
        remedy: `Name images as they are named here, such as ${[...byFile.keys()][0]}.`,
      });
    }
    const ofPages = byPage(pages, own, file);
    for (const [i, page] of pages.entries()) {
      annotated.set(page, annotatedPage(page, ofPages[i] as readonly Region[], notAnnotated));
    }
  }
  const { declared } = raw;
  return {
    ...raw,
    pages: raw.pages.map((page) => annotated.get(page) ?? annotatedPage(page, [], notAnnotated)),
    declared: { ...declared, ignore: [...new Set([...(declared?.ignore ?? []), notAnnotated])] },
  };
}

/**
 * A slice that is annotated only inside some regions, or only outside them.
 * @param notAnnotated value of the labels elsewhere; one that is ignored
 */
export function keepLabels(
  page: RawPage,
  which: 'within' | 'outside',
  regions: readonly Region[],
  notAnnotated: number,
): RawPage {
  const { label, height, width, file } = page;
  const held = regions.map((region) => ({ ...region, held: true }));
  const mask = regionMask(held, [height, width], file);
  const kept = which === 'within' ? HELD : 0;
  const values = label.values.map((value, p) => (((mask[p] as number) & HELD) === kept ? value : notAnnotated));
  return { ...page, label: { ...label, values } };
}
