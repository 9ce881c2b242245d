/** Segmenting every image with a trained model, the table of what was found, and files of it. */

import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Engine, ExportFormat, ObjectFilters, TablePage, TableQuery } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { ShownLabels } from '../viewer/label-layer.ts';
import { fixedPage } from '../viewer/label-source.ts';
import type { Display, ShownPage } from './display.ts';
import type { Messages } from './messages.ts';
import type { OpenProject, PixelSize } from './project.ts';
import type { Tab } from './tabs.ts';

/** Rows that are asked for at a time. */
const BLOCK = 100;
/** Filters are applied when they have not changed for so long. */
const SETTLED_MS = 300;
/** Smaller objects are left out unless another size is chosen. */
const LEAST_PX = 30;

export type Measuring = ReturnType<typeof createMeasuring>;

interface Parts {
  readonly engine: Engine;
  readonly project: OpenProject;
  readonly display: Display;
  readonly messages: Messages;
  readonly tab: ReadonlySignal<Tab>;
}

export function createMeasuring({ engine, project, display, messages, tab }: Parts) {
  const minSizePx = signal(LEAST_PX);
  const excludeBorder = signal(false);
  /** Objects have none as a rule; a membrane encloses what is none. */
  const fillHoles = signal(false);
  const splitNecks = signal(false);
  const task = computed(() => project.state.value?.project.task);
  effect(() => {
    fillHoles.value = task.value === 'objects';
  });
  const filters = computed(() => ({
    minSizePx: minSizePx.value,
    excludeBorder: excludeBorder.value,
    fillHoles: fillHoles.value,
    splitNecks: splitNecks.value,
  }));
  /** Those of what is shown. */
  const applied = signal<object | undefined>(undefined);
  /** Whether they have changed, and what is shown is to follow. */
  const isPending = signal(false);
  /** The run that the user chose to segment with, or `quick`; undefined: the better one. */
  const chosen = signal<string | undefined>(undefined);
  const running = signal(false);
  const progress = signal<{ readonly done: number; readonly total: number; readonly text: string } | undefined>(
    undefined,
  );
  /** The segmentation: of this session, or the one that the project was opened with. */
  const result = signal<{ readonly prediction: string } | undefined>(undefined);
  const images = signal(0);
  /** Objects that may be several which touch. */
  const joined = signal(0);
  /** Images that came after the segmentation. */
  const since = signal(0);
  const columns = signal<TablePage['columns']>([]);
  /** Rows of the table that is shown; objects that were found. */
  const [total, found] = [signal(0), signal(0)];
  const chosenRows = signal<NonNullable<TableQuery['of']> | undefined>(undefined);
  /** Of areas what counts is how much of each image they are. */
  const rows = computed(() => chosenRows.value ?? (task.value === 'objects' ? 'objects' : 'images'));
  const sort = signal<TableQuery['sort']>(undefined);
  /** Blocks of rows that have come, by their number. */
  const blocks = signal<ReadonlyMap<number, TablePage>>(new Map());
  const selected = signal<TablePage['objects'][number] | undefined>(undefined);
  const formats = signal<ReadonlySet<ExportFormat>>(new Set(['csv', 'labels', 'roi', 'onnx']));
  const resultShown = signal(true);
  const loaded = signal<{ readonly of: ShownPage; readonly labels: ShownLabels } | undefined>(undefined);

  engine.subscribe((event) => {
    if (event.kind === 'progress' && event.task === 'segment') progress.value = event;
  });

  const take = (at: number, page: TablePage): void => {
    batch(() => {
      columns.value = page.columns;
      total.value = page.total;
      blocks.value = new Map(blocks.value).set(at, page);
    });
  };

  const asked = new Set<number>();
  const ask = async (at: number): Promise<void> => {
    const prediction = result.value?.prediction;
    if (prediction === undefined || asked.has(at)) return;
    asked.add(at);
    const of = rows.value;
    const query = { prediction, of, sort: sort.value, offset: at * BLOCK, limit: BLOCK };
    try {
      const page = await engine.table(query);
      // Another project's, if that was left meanwhile, or another table's.
      if (result.peek()?.prediction === prediction && rows.peek() === of && asked.has(at)) take(at, page);
    } catch (error) {
      messages.failed(error);
    }
  };

  const reload = (): void => {
    asked.clear();
    blocks.value = new Map();
    void ask(0);
  };

  /** Measures a segmentation with the size of pixels that is known now, and shows its table from the beginning. */
  const measure = async (of: NonNullable<typeof result.value>): Promise<void> => {
    const first = await engine.measure(of.prediction);
    if (result.peek() !== of) return;
    batch(() => {
      if (rows.peek() === 'objects') {
        if (!first.columns.some(({ header }) => header === sort.peek()?.column)) sort.value = undefined;
        columns.value = first.columns;
        total.value = first.total;
      }
      found.value = first.total;
      images.value = first.images;
      joined.value = first.joined ?? 0;
      since.value = first.since ?? 0;
    });
    reload();
  };

  /** Again, from its files, as when the project was opened with it. */
  const measureAgain = async (of: NonNullable<typeof result.value>): Promise<void> => {
    if (!(await project.during(text.busy.measuring, () => measure(of))) && result.peek() === of) forget();
  };
  const clearTable = (): void => {
    columns.value = [];
    total.value = 0;
    blocks.value = new Map();
    selected.value = undefined;
  };
  const openId = computed(() => project.state.value?.id);
  const imageIds = computed(() => project.images.value.map(({ id }) => id).join('/'));
  let [id, ids]: readonly [string?, string?] = [];
  effect(() => {
    const [known, isSame, isChanged] = [result.value, openId.value === id, imageIds.value !== ids];
    [id, ids] = [openId.value, imageIds.value];
    if (!isSame) return;
    // Rows of images that have left lead nowhere.
    if (isChanged) batch(clearTable);
    if (tab.value !== 'measure' || known === undefined || running.value || columns.peek().length > 0) return;
    void measureAgain(known);
  });

  /** Until what is shown is what they leave. */
  let isFiltering = false;
  const filter = async (): Promise<void> => {
    if (isFiltering) return;
    isFiltering = true;
    for (let tried: object | undefined; tried !== filters.peek() && applied.peek() !== filters.peek(); ) {
      const [of, wanted] = [result.peek(), filters.peek()];
      if (of === undefined || running.peek() || project.state.peek()?.readOnly === true) break;
      tried = wanted;
      await project.during(text.busy.measuring, async () => {
        await engine.filter(of.prediction, wanted);
        if (result.peek() !== of) return;
        const next = { ...of };
        batch(() => {
          result.value = next;
          applied.value = wanted;
          selected.value = undefined;
        });
        await measure(next);
      });
    }
    isFiltering = false;
    isPending.value = false;
  };
  let settled: ReturnType<typeof setTimeout> | undefined;
  let isBegun = false;
  effect(() => {
    filters.value;
    clearTimeout(settled);
    if (isBegun) {
      isPending.value = true;
      settled = setTimeout(() => void filter(), SETTLED_MS);
    }
    isBegun = true;
  });

  function forget(): void {
    batch(() => {
      result.value = undefined;
      chosen.value = undefined;
      applied.value = undefined;
      minSizePx.value = LEAST_PX;
      excludeBorder.value = false;
      fillHoles.value = task.value === 'objects';
      splitNecks.value = false;
      chosenRows.value = undefined;
      progress.value = undefined;
      clearTable();
    });
  }

  let wanted = 0;
  effect(() => {
    const [prediction, on] = [result.value?.prediction, display.shown.value];
    const mine = ++wanted;
    loaded.value = undefined;
    if (tab.value !== 'measure' || prediction === undefined || on === undefined) return;
    engine.segmented(prediction, on.image.id, on.page).then(
      ({ data, dtype, shape }) => {
        if (mine !== wanted) return;
        const [height, width] = shape.slice(-2);
        const kind = dtype === 'uint8' ? 'classes' : 'objects';
        loaded.value = { of: on, labels: fixedPage({ kind, width, height, data, notAnnotated: 0 }) };
      },
      // An image that was added since has none.
      () => undefined,
    );
  });

  return {
    minSizePx,
    excludeBorder,
    fillHoles,
    splitNecks,
    chosen,
    running,
    progress,
    result,
    images,
    joined,
    since,
    columns,
    total,
    found,
    rows,
    sort,
    selected,
    formats,
    resultShown,
    isPending,
    /** Whether what is shown is not what the fields say, and will not be by itself, since that failed. */
    isOutdated: computed(() => applied.value !== undefined && applied.value !== filters.value && !isPending.value),
    /** The segmentation of the page on the screen, once it has come. */
    shown: computed(() => (loaded.value?.of === display.shown.value ? loaded.value?.labels : undefined)),
    /** A row of the table, which is fetched if it is not here yet. */
    row(
      at: number,
    ): { readonly values: TablePage['rows'][number]; readonly object: TablePage['objects'][number] } | undefined {
      const block = blocks.value.get(Math.floor(at / BLOCK));
      const [values, object] = [block?.rows[at % BLOCK], block?.objects[at % BLOCK]];
      if (values !== undefined && object !== undefined) return { values, object };
      void ask(Math.floor(at / BLOCK));
      return undefined;
    },
    /** @param model a run, or `quick`; default: the last run */
    async run(model?: string): Promise<void> {
      if (running.value) return;
      running.value = true;
      progress.value = undefined;
      const asked = filters.value;
      try {
        const segmented = await engine.segment({ run: model, ...asked });
        for (const problem of segmented.failed) messages.problem(problem);
        batch(() => {
          result.value = segmented;
          applied.value = asked;
          clearTable();
        });
        await measure(segmented);
      } catch (error) {
        messages.failed(error);
      } finally {
        running.value = false;
      }
      // Those that changed meanwhile.
      if (result.value !== undefined) await filter();
    },
    stop: (): Promise<void> => engine.stop().catch(messages.failed),
    /** What was measured with another size of pixels is measured again. */
    async setPixelSize(size: PixelSize): Promise<void> {
      try {
        await project.setPixelSize(size);
        if (result.value !== undefined) await measureAgain(result.value);
      } catch (error) {
        messages.failed(error);
      }
    },
    /** What has a row each in the table. */
    chooseRows(of: NonNullable<TableQuery['of']>): void {
      batch(() => {
        chosenRows.value = of;
        sort.value = undefined;
      });
      reload();
    },
    /** Sorts by a column; by the same one again the other way round. */
    sortBy(column: string): void {
      const descending = sort.value?.column === column ? !sort.value.descending : true;
      sort.value = { column, descending };
      reload();
    },
    /** Shows an object of the table in its image. */
    goTo(object: TablePage['objects'][number]): void {
      const { image, page, box } = object;
      project.goTo(image, page);
      if (box === undefined) return;
      selected.value = object;
      display.lookAt(image, box);
    },
    toggleFormat(format: ExportFormat): void {
      const others = [...formats.value].filter((other) => other !== format);
      formats.value = new Set(formats.value.has(format) ? others : [...others, format]);
    },
    /** Shows a segmentation that the project was opened with, and the filters that it has. */
    reopen(prediction: string, chosen: ObjectFilters = {}): void {
      batch(() => {
        minSizePx.value = chosen.minSizePx ?? 0;
        excludeBorder.value = chosen.excludeBorder ?? false;
        fillHoles.value = chosen.fillHoles ?? fillHoles.value;
        splitNecks.value = chosen.splitNecks ?? false;
        applied.value = filters.value;
        result.value = { prediction };
      });
    },
    forget,
  };
}
