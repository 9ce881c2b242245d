/** What the live models learn from: the annotated parts of a project, as they are painted now. */

import type { ChangeTracker } from '../annotate/changed-parts.ts';
import { CHUNK_SIZE } from '../annotate/chunk.ts';
import type { LabelLayer } from '../annotate/label-layer.ts';
import { NOT_ANNOTATED } from '../annotate/label-values.ts';
import { type Box, boundsOf, fillRegion, type Region } from '../annotate/region.ts';
import { annotate } from '../dataset/annotate.ts';
import { declaredByProject } from '../dataset/discover/project-files.ts';
import type { RawDataset, RawPage } from '../dataset/raw.ts';
import { factsOf, UsageError } from '../errors.ts';
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

/** A square of a page in which something is annotated. */
export interface LivePiece {
  /** `image/slice/number of the square`. */
  readonly key: string;
  readonly page: Page;
  readonly pageName: string;
  readonly box: Box;
  /** [height, width] of the box; unpainted pixels of complete regions are background. */
  readonly labels: Uint8Array | Uint32Array;
}

export interface LiveData {
  readonly classes: readonly LiveClass[];
  /** What labels are, in pieces and pages. */
  readonly declared: NonNullable<RawDataset['declared']>;
  /** Pixels that are painted of each class. */
  readonly painted: readonly number[];
  readonly pieces: readonly LivePiece[];
  /** The label of the class that a label is of; undefined where nothing is annotated. */
  readonly labelOf: (label: number) => number | undefined;
  /** The whole pages. @throws UsageError if there are more pixels of them than are prepared while painting */
  pages(): Promise<RawDataset>;
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

/** Pieces that are learned from at most, about: of more, every n-th, one of each class, and those painted last. */
const MOST_PIECES = 64;
const MOST_RECENT = 32;
/** Pixels of all annotated pages together that are prepared for the network while painting. */
const MOST_PIXELS = 2 ** 24;

/** An annotated slice. */
interface AnnotatedSlice {
  readonly id: ImageId;
  readonly name: string;
  readonly slice: number;
  readonly layer: LabelLayer;
  readonly regions: readonly Region[];
  readonly page: Page;
}

/** Reads what is annotated, again and again. */
export class LiveSource {
  readonly #open: OpenProject;
  /** The same objects for the same image, so that what is computed from them can be kept. */
  readonly #pages = new WeakMap<Image, readonly Page[]>();
  readonly #trackers = new WeakMap<LabelLayer, ChangeTracker>();
  /** Keys of the pieces that were painted last, the latest first. */
  #recent: readonly string[] = [];

  constructor(open: OpenProject) {
    this.#open = open;
  }

  /** The pages of an image. @throws DatasetError as `pagesOf` */
  pagesOf(upright: Image): readonly Page[] {
    const pages = this.#pages.get(upright) ?? pagesOf(upright);
    this.#pages.set(upright, pages);
    return pages;
  }

  /** Everything that is annotated for training. @param only of these images; default: all */
  async read(only?: readonly ImageId[]): Promise<LiveData> {
    const { project, folder } = this.#open;
    const classes = liveClasses(project);
    const painted = classes.map(() => 0);
    const slices: AnnotatedSlice[] = [];
    for (const { id, use = 'all' } of project.images) {
      if (id === undefined || use === 'predict' || !this.#open.isAnnotated(id)) continue;
      if (only?.includes(id) === false) continue;
      const layer = await this.#open.labels.layer(project, id).catch((cause: unknown) => {
        // Others are learned from when the file of an image is gone.
        if (factsOf(cause, 'no-file') === undefined) throw cause;
      });
      if (layer === undefined) continue;
      const regions = this.#open.regions(id);
      count(layer, project, classes, painted);
      if (regions.some(({ complete }) => complete)) painted[0] = (painted[0] as number) + 1;
      const own = annotatedSlices(layer, regions);
      if (own.length === 0) continue;
      const all = this.pagesOf((await this.#open.images.load(project, id)).upright);
      const nameOf = (slice: number): string => (all.length > 1 ? `${id}[${slice}]` : id);
      this.#note(layer, nameOf);
      for (const slice of own) {
        const here = regions.filter((region) => region.slice === undefined || region.slice === slice);
        slices.push({ id, name: nameOf(slice), slice, layer, regions: here, page: all[slice] as Page });
      }
    }
    const notAnnotated = NOT_ANNOTATED[project.task];
    const named = classes.map(({ name, label }) => ({ name, values: [label] }));
    const [background, object] = named as [(typeof named)[number], (typeof named)[number]];
    const declared: LiveData['declared'] = {
      ...declaredByProject({ ...project, notAnnotated }),
      classes: project.task === 'classes' ? named : [background, { name: object.name, values: 'rest' }],
    };
    return {
      classes,
      declared,
      painted,
      pieces: piecesOf(slices, classes, new Set(this.#recent)),
      labelOf: (label) =>
        label === notAnnotated ? undefined : project.task === 'objects' ? Math.min(1, label) : label,
      async pages() {
        const pixels = slices.reduce((sum, { page }) => sum + page.width * page.height, 0);
        if (pixels <= MOST_PIXELS) return wholePages(declared, folder, slices, notAnnotated);
        throw new UsageError('The annotated images are too large for the network to learn while you paint.', {
          remedy: 'Train it instead.',
        });
      },
    };
  }

  /** Notes where a layer was painted since the last time. */
  #note(layer: LabelLayer, nameOf: (slice: number) => string): void {
    const tracker = this.#trackers.get(layer) ?? layer.track();
    this.#trackers.set(layer, tracker);
    const painted = tracker.take().map(({ slice, row, column }) => keyOf(nameOf(slice), row * layer.columns + column));
    this.#recent = [...new Set([...painted, ...this.#recent])].slice(0, MOST_RECENT);
  }
}

const keyOf = (page: string, square: number): string => `${page}/${square}`;

function annotatedSlices(layer: LabelLayer, regions: readonly Region[]): readonly number[] {
  const slices = new Set(layer.annotatedSlices());
  for (const { complete, slice } of regions) {
    if (!complete) continue;
    if (slice !== undefined) slices.add(slice);
    else for (let each = 0; each < layer.slices; each++) slices.add(each);
  }
  return [...slices].sort((a, b) => a - b);
}

/** Adds the painted pixels of each class. */
function count(layer: LabelLayer, { task }: Project, classes: readonly LiveClass[], painted: number[]): void {
  for (const [i, { label }] of classes.entries()) {
    const pixels = task === 'objects' && label > 0 ? layer.annotatedPixels() - layer.pixels(0) : layer.pixels(label);
    painted[i] = (painted[i] as number) + pixels;
  }
}

/** The squares in which something is annotated that is not held out. */
function piecesOf(
  slices: readonly AnnotatedSlice[],
  classes: readonly LiveClass[],
  recent: ReadonlySet<string>,
): readonly LivePiece[] {
  const places = slices.flatMap((own) => [...squaresOf(own)].map((square) => ({ own, square })));
  const step = Math.max(1, places.length / MOST_PIECES);
  const chosen = new Set(Array.from({ length: Math.ceil(places.length / step) }, (_, i) => Math.floor(i * step)));
  // A class that is painted somewhere only is not left out.
  for (const { label } of classes.slice(1)) {
    const at = places.findIndex(({ own, square }) => squareHas(own, square, label));
    if (at >= 0) chosen.add(at);
  }
  return places.flatMap(({ own, square }, i) =>
    chosen.has(i) || recent.has(keyOf(own.name, square)) ? pieceOf(own, square) : [],
  );
}

/** Numbers of the chunks in which something is painted or a complete region lies. */
function squaresOf({ layer, slice, regions }: AnnotatedSlice): ReadonlySet<number> {
  const squares = new Set(layer.chunks(slice).map(({ row, column }) => row * layer.columns + column));
  for (const { shape, complete } of regions) {
    if (!complete) continue;
    const [x, y, width, height] = boundsOf(shape);
    const last = (from: number, length: number, most: number): number =>
      Math.min(most - 1, Math.floor((from + length - 1e-9) / CHUNK_SIZE));
    for (let row = Math.max(0, Math.floor(y / CHUNK_SIZE)); row <= last(y, height, layer.rows); row++) {
      for (let column = Math.max(0, Math.floor(x / CHUNK_SIZE)); column <= last(x, width, layer.columns); column++) {
        squares.add(row * layer.columns + column);
      }
    }
  }
  return squares;
}

function squareHas({ layer, slice }: AnnotatedSlice, square: number, label: number): boolean {
  const place = { slice, row: Math.floor(square / layer.columns), column: square % layer.columns };
  return layer.chunk(place)?.includes(label) === true;
}

function pieceOf({ name, slice, layer, regions, page }: AnnotatedSlice, square: number): LivePiece {
  const x = (square % layer.columns) * CHUNK_SIZE;
  const y = Math.floor(square / layer.columns) * CHUNK_SIZE;
  const [width, height] = [Math.min(CHUNK_SIZE, layer.width - x), Math.min(CHUNK_SIZE, layer.height - y)];
  const box: Box = [x, y, width, height];
  const labels = layer.read(box, slice);
  for (const { shape, complete, held } of regions) {
    if (!complete && !held) continue;
    fillRegion(shape, [layer.height, layer.width], (row, from, to) => {
      if (row < y || row >= y + height) return;
      const at = (row - y) * width - x;
      for (let p = at + Math.max(from, x); p < at + Math.min(to, x + width); p++) {
        if (held) labels[p] = layer.notAnnotated;
        else if (labels[p] === layer.notAnnotated) labels[p] = 0;
      }
    });
  }
  return { key: keyOf(name, square), page, pageName: name, box, labels };
}

function wholePages(
  declared: LiveData['declared'],
  folder: string,
  slices: readonly AnnotatedSlice[],
  notAnnotated: number,
): RawDataset {
  const pages = slices.map(({ id, name, slice, layer, page }): RawPage => {
    const { width, height } = layer;
    const values = Int32Array.from(layer.read([0, 0, width, height], slice));
    return { ...page, name, file: id, page: slice, label: { values, width, height, colour: false, source: name } };
  });
  const regions: Record<ImageId, readonly Region[]> = {};
  for (const { id, slice, regions: own } of slices) {
    // Of every slice, each has its own.
    const here = own.map((region) => ({ ...region, slice }));
    const known = regions[id] ?? [];
    regions[id] = [...known, ...here.map((region, i) => ({ ...region, id: known.length + i + 1 }))];
  }
  return annotate({ folder, pages, notes: [], declared }, { notAnnotated, regions });
}

/** The classes of which one more has to be painted before a model can learn; undefined if nothing is missing. */
export function whatIsMissing({
  classes,
  painted,
}: Pick<LiveData, 'classes' | 'painted'>): readonly string[] | undefined {
  const lacks = classes.filter((_, i) => painted[i] === 0).map(({ name }) => name);
  return classes.length - lacks.length < 2 ? lacks : undefined;
}
