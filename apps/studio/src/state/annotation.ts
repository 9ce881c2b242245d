/** The annotation of the open project as it is edited: labels and regions, undo, and what is kept of it. */

import { batch, computed, effect, signal } from '@preact/signals';
import {
  type AnnotationClass,
  Annotations,
  type AppliedEdit,
  type Engine,
  History,
  type ImageId,
  type ImageInfo,
  type LabelLayer,
  type LayerKind,
  type ProjectState,
  type Region,
  setPage,
  type View,
} from 'lamella/studio';
import { text } from '../text/text.ts';
import { acceptClasses, classesIn } from '../tools/accept.ts';
import { freeId } from '../tools/region.ts';
import type { PreviewTile } from '../viewer/preview-layer.ts';
import type { Messages } from './messages.ts';
import type { OpenProject } from './project.ts';

export type Annotation = ReturnType<typeof createAnnotation>;

/** What a project of each kind begins with. */
const CLASSES: { readonly [task in LayerKind]: () => AnnotationClass[] } = {
  classes: () => [
    { name: text.classes.background, value: 0 },
    { name: text.classes.foreground, value: 1 },
  ],
  objects: () => [
    { name: text.classes.background, value: 0 },
    { name: text.classes.object, value: 'rest' },
  ],
};

interface Opened {
  readonly annotations: Annotations;
  readonly history: History;
}

export function createAnnotation(engine: Engine, project: OpenProject, messages: Messages) {
  const opened = signal<Opened | undefined>(undefined);
  /** Grows with every edit: what depends on labels, regions or classes reads it. */
  const edits = signal(0);
  /** Edits that the engine has not yet confirmed to keep. */
  const unkept = signal(0);
  const keptAtMs = signal<number | undefined>(undefined);
  /** Pages whose labels have come from the engine. */
  const loaded = new Set<string>();

  const open = ({ project: { task, classes }, images }: ProjectState): void => {
    const annotations = new Annotations(task, classes ?? []);
    loaded.clear();
    for (const image of images) addImage(annotations, image);
    batch(() => {
      opened.value = { annotations, history: new History(annotations) };
      edits.value = edits.peek() + 1;
    });
  };

  const addImage = (annotations: Annotations, { id, width, height, pages }: ImageInfo): void => {
    if (!annotations.images.includes(id)) annotations.addImage(id, { width, height, slices: pages });
  };

  /** The project that `opened` belongs to, and its kind, which can change while nothing is annotated. */
  let openKey: string | undefined;
  effect(() => {
    const [state, images] = [project.state.value, project.images.value];
    const key = state && `${state.project.task} ${state.id}`;
    if (key !== openKey) {
      openKey = key;
      if (state === undefined) opened.value = undefined;
      else open(state);
    }
    const { annotations } = opened.peek() ?? {};
    if (annotations === undefined) return;
    for (const image of images) addImage(annotations, image);
    edits.value = edits.peek() + 1;
  });

  effect(() => {
    const [image, page] = [project.image.value, project.page.value];
    if (image !== undefined && opened.value !== undefined) void load(image.id, page).catch(messages.failed);
  });

  const load = async (image: ImageId, page: number): Promise<void> => {
    const key = `${image}/${page}`;
    if (loaded.has(key)) return;
    loaded.add(key);
    const labels = await engine.labels(image, page);
    const layer = opened.peek()?.annotations.layer(image);
    if (labels === undefined || layer === undefined) return;
    setPage(layer, labels, page, layer.notAnnotated);
    layer.takeChanges();
    edits.value = edits.peek() + 1;
  };

  const layer = computed((): LabelLayer | undefined => {
    edits.value;
    const image = project.image.value;
    if (image === undefined || opened.value === undefined) return undefined;
    return opened.value.annotations.images.includes(image.id) ? opened.value.annotations.layer(image.id) : undefined;
  });

  const keep = (edit: AppliedEdit | undefined): void => {
    if (edit === undefined) return;
    edits.value++;
  };

  /** A value of what is edited, which is no signal itself. */
  const edited = <T>(read: (now: Opened) => T, otherwise: T) =>
    computed((): T => {
      edits.value;
      return opened.value === undefined ? otherwise : read(opened.value);
    });
  const undoName = edited(({ history }) => history.undoName, undefined);
  const redoName = edited(({ history }) => history.redoName, undefined);

  /** Goes to where an undo or redo changed something, and says what it was. */
  const showEdit = (edit: AppliedEdit | undefined, say: (name: string) => string): void => {
    if (edit === undefined) return;
    keep(edit);
    const [place] = edit.places;
    if (place !== undefined) project.goTo(place.image, place.slice);
    messages.say(say(edit.name));
  };

  /** Ends an edit, which can then be undone, and has the engine keep it. */
  const commit = (name: string): void => keep(opened.value?.history.commit(name));

  const changeRegions = (change: (regions: readonly Region[]) => readonly Region[]): void => {
    const [image, annotations] = [project.image.value, opened.value?.annotations];
    if (image === undefined || annotations === undefined) return;
    annotations.setRegions(image.id, change(annotations.regions(image.id)));
    commit(text.edits.region);
  };

  return {
    layer,
    edits,
    unkept,
    keptAtMs,
    annotations: computed(() => opened.value?.annotations),
    readOnly: computed(() => project.state.value?.readOnly ?? false),
    classes: edited<readonly AnnotationClass[]>(({ annotations }) => annotations.classes, []),
    annotatedImages: edited<ReadonlySet<ImageId>>(
      ({ annotations }) =>
        new Set(annotations.images.filter((id) => annotations.layer(id).annotatedSlices().length > 0)),
      new Set(),
    ),
    /** Of the page on the screen. */
    regions: computed((): readonly Region[] => {
      edits.value;
      const [image, page] = [project.image.value, project.page.value];
      const annotations = opened.value?.annotations;
      if (image === undefined || annotations === undefined || !annotations.images.includes(image.id)) return [];
      return annotations.regions(image.id).filter(({ slice }) => slice === undefined || slice === page);
    }),
    /** How many classes, background included, are annotated somewhere. */
    annotatedClasses: edited(({ annotations }) => countClasses(annotations), 0),
    /**
     * Takes over what a model says in a window, where nothing is annotated, and says that all of it is annotated now.
     * @returns false if the model has not said anything of all of it
     */
    acceptPreview({ image, page, rect }: View, tiles: readonly PreviewTile[]): boolean {
      const annotations = opened.value?.annotations;
      const classes = annotations && classesIn(rect, tiles);
      if (annotations === undefined || classes === undefined) return false;
      acceptClasses(annotations.layer(image), page, rect, classes);
      const regions = annotations.regions(image);
      const box = [rect.x, rect.y, rect.width, rect.height] as const;
      annotations.setRegions(image, [
        ...regions,
        { id: freeId(regions), shape: { box }, slice: page, complete: true, origin: 'proofread', held: false },
      ]);
      commit(text.edits.accept);
      return true;
    },
    canUndo: computed(() => undoName.value !== undefined),
    canRedo: computed(() => redoName.value !== undefined),
    undoText: computed(() =>
      undoName.value === undefined ? text.status.nothingToUndo : text.status.undo(undoName.value),
    ),
    commit,
    cancel(): void {
      opened.value?.history.cancel();
    },
    /** @throws LamellaError once something is annotated */
    changeTask: (task: LayerKind): Promise<void> => project.change({ task, classes: CLASSES[task]() }),
    addClass(): void {
      const annotations = opened.value?.annotations;
      if (annotations === undefined) return;
      const taken = new Set(annotations.classes.map(({ value }) => value));
      const value = Array.from({ length: 255 }, (_, i) => i).find((free) => !taken.has(free));
      if (value === undefined) return;
      annotations.classes = [...annotations.classes, { name: freeClassName(annotations.classes), value }];
      commit(text.edits.classes);
    },
    changeClass(at: number, values: Partial<AnnotationClass>): void {
      const annotations = opened.value?.annotations;
      if (annotations === undefined) return;
      const { classes } = annotations;
      if (classes.some(({ name }, i) => i !== at && name === values.name)) {
        messages.note(text.classes.taken(values.name ?? ''));
        return;
      }
      annotations.classes = classes.map((item, i) => (i === at ? { ...item, ...values } : item));
      commit(text.edits.classes);
    },
    changeRegion(id: number, values: Partial<Region>): void {
      changeRegions((regions) => regions.map((item) => (item.id === id ? { ...item, ...values } : item)));
    },
    removeRegion(id: number): void {
      changeRegions((regions) => regions.filter((item) => item.id !== id));
    },
    async undo(): Promise<void> {
      showEdit(await opened.value?.history.undo(), text.status.undone);
    },
    async redo(): Promise<void> {
      showEdit(await opened.value?.history.redo(), text.status.redone);
    },
  };
}

/** `class 3`, or the next number that is free. */
function freeClassName(classes: readonly AnnotationClass[]): string {
  const names = new Set(classes.map(({ name }) => name));
  let n = classes.length;
  while (names.has(text.classes.newName(n))) n++;
  return text.classes.newName(n);
}

function countClasses(annotations: Annotations): number {
  const found = new Set<number>();
  for (const image of annotations.images) {
    const layer = annotations.layer(image);
    if (layer.kind === 'classes') for (const label of layer.labels()) found.add(label);
    else {
      if (layer.pixels(0) > 0) found.add(0);
      if (layer.largestLabel > 0) found.add(1);
    }
    if (annotations.regions(image).some(({ complete }) => complete)) found.add(0);
  }
  return found.size;
}
