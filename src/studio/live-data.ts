/** What a live model learns from: the annotated pages of a project, as they are painted now. */

import type { LabelLayer } from '../annotate/label-layer.ts';
import { NOT_ANNOTATED } from '../annotate/label-values.ts';
import type { Region } from '../annotate/region.ts';
import { annotate } from '../dataset/annotate.ts';
import { declaredByProject } from '../dataset/discover/project-files.ts';
import type { RawDataset, RawPage } from '../dataset/raw.ts';
import type { Image } from '../image/image.ts';
import { type Page, pagesOf } from '../input/planes.ts';
import type { Project } from '../project/project.ts';
import type { ImageId } from './engine.ts';
import { classLabels } from './label-files.ts';
import type { OpenProject } from './open-project.ts';

/** A class that a model tells apart, and what is painted for it. */
export interface LiveClass {
  readonly name: string;
  /** For objects: 0, and 1 for any of them. */
  readonly label: number;
}

export interface LiveData {
  readonly raw: RawDataset;
  readonly classes: readonly LiveClass[];
  /** Pixels that are painted of each class. */
  readonly painted: readonly number[];
  /** The label of the class that a value of `raw` is of; undefined where nothing is annotated. */
  readonly labelOf: (value: number) => number | undefined;
}

/** The classes of a project. */
export function liveClasses(project: Project): readonly LiveClass[] {
  if (project.task === 'classes') return classLabels(project);
  const [background, object] = ['background', 'object'].map((name, i) => project.classes?.[i]?.name ?? name);
  return [
    { name: background as string, label: 0 },
    { name: object as string, label: 1 },
  ];
}

/** The pages of images, the same objects for the same image, so that what is computed from them can be kept. */
export class LivePages {
  readonly #pages = new WeakMap<Image, readonly Page[]>();

  /** @throws DatasetError as `pagesOf` */
  of(upright: Image): readonly Page[] {
    const pages = this.#pages.get(upright) ?? pagesOf(upright);
    this.#pages.set(upright, pages);
    return pages;
  }
}

/** The data of all images in which something is annotated. */
export async function liveData(open: OpenProject, pages: LivePages): Promise<LiveData> {
  const { project, folder } = open;
  const classes = liveClasses(project);
  const painted = classes.map(() => 0);
  const own: RawPage[] = [];
  const regions: Record<ImageId, readonly Region[]> = {};
  const notAnnotated = NOT_ANNOTATED[project.task];
  for (const { id, use = 'all' } of project.images) {
    if (id === undefined || use === 'predict' || !open.isAnnotated(id)) continue;
    const layer = await open.labels.layer(project, id);
    const areas = open.regions(id);
    const complete = areas.filter((region) => region.complete);
    const slices = new Set(layer.annotatedSlices());
    for (const { slice } of complete) {
      for (const page of slice === undefined ? Array.from({ length: layer.slices }, (_, i) => i) : [slice])
        slices.add(page);
    }
    if (slices.size === 0) continue;
    const { upright } = await open.images.load(project, id);
    const all = pages.of(upright);
    count(layer, project, classes, painted);
    if (complete.length > 0) painted[0] = (painted[0] as number) + 1;
    if (areas.length > 0) regions[id] = areas;
    for (const slice of [...slices].sort((a, b) => a - b)) {
      const { width, height } = layer;
      const values = Int32Array.from(layer.read([0, 0, width, height], slice));
      const name = all.length > 1 ? `${id}[${slice}]` : id;
      const label = { values, width, height, colour: false, source: name };
      own.push({ ...(all[slice] as Page), name, file: id, page: slice, label });
    }
  }
  const { classes: _, ...declared } = declaredByProject({ ...project, notAnnotated });
  const named = classes.map(({ name, label }) => ({ name, values: [label] }));
  const [background] = named;
  const raw: RawDataset = {
    folder,
    pages: own,
    notes: [],
    declared: {
      ...declared,
      classes:
        project.task === 'classes'
          ? named
          : [background as (typeof named)[number], { name: classes[1]?.name ?? 'object', values: 'rest' }],
    },
  };
  const used = Object.fromEntries(Object.entries(regions).filter(([id]) => own.some(({ file }) => file === id)));
  const labelOf = (value: number): number | undefined => {
    if (value === notAnnotated) return undefined;
    return project.task === 'objects' ? Math.min(1, value) : value;
  };
  return { raw: annotate(raw, { notAnnotated, regions: used }), classes, painted, labelOf };
}

/** Adds the painted pixels of each class. */
function count(layer: LabelLayer, { task }: Project, classes: readonly LiveClass[], painted: number[]): void {
  for (const [i, { label }] of classes.entries()) {
    const pixels = task === 'objects' && label > 0 ? layer.annotatedPixels() - layer.pixels(0) : layer.pixels(label);
    painted[i] = (painted[i] as number) + pixels;
  }
}

/** What has to be painted before a model can learn, in words; undefined if nothing is missing. */
export function whatIsMissing({ classes, painted }: LiveData): string | undefined {
  const names = (kept: boolean) =>
    classes.filter((_, i) => (painted[i] as number) > 0 === kept).map(({ name }) => `'${name}'`);
  const [has, lacks] = [names(true), names(false)];
  if (has.length >= 2) return undefined;
  if (has.length === 0) return `Nothing is painted yet. Paint some of ${listOf(lacks)}.`;
  return `Only ${has[0]} is painted. Paint some of ${listOf(lacks)} too.`;
}

const listOf = (names: readonly string[]): string =>
  names.length < 2
    ? names.join('')
    : `${names.slice(0, -1).join(', ')} ${names.length === 2 ? 'and' : 'or'} ${names.at(-1)}`;
