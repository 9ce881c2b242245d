/** The annotation of the open project as it is edited: labels and regions, undo, and what is kept of it. */

import { batch, computed, effect, signal } from '@preact/signals';
import {
  type AcceptedWindow,
  type AddedFiles,
  type AnnotationClass,
  type Annotations,
  type AppliedEdit,
  acceptClasses,
  acceptedShape,
  acceptObjects,
  type Box,
  type Engine,
  type ImageId,
  isHeldOutNext,
  type LabelLayer,
  type LayerKind,
  type Rect,
  type Region,
  regionsToHold,
  type View,
} from 'lamella/studio';
import { text } from '../text/text.ts';
import { classesIn } from '../tools/accept.ts';
import { freeId } from '../tools/region.ts';
import type { PreviewTile } from '../viewer/preview-layer.ts';
import type { Messages } from './messages.ts';
import { addImage, type OpenedAnnotation, openAnnotation } from './opened-annotation.ts';
import type { OpenProject } from './project.ts';
import { steady } from './steady.ts';

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

export function createAnnotation(engine: Engine, project: OpenProject, messages: Messages) {
  const opened = signal<OpenedAnnotation | undefined>(undefined);
  /** Grows with every edit: what depends on labels, regions or classes reads it. */
  const edits = signal(0);
  /** Edits that the engine has not yet confirmed to keep. */
  const unkept = signal(0);
  /** The labels of the image on the screen, once they are loaded. */
  const layer = signal<LabelLayer | undefined>(undefined);
  const noteEdit = (): void => {
    edits.value = edits.peek() + 1;
  };

  /** The project that `opened` belongs to, and its kind, which can change while nothing is annotated. */
  let openKey: string | undefined;
  /** The project whose kind was chosen here, and with it what its classes are called. */
  let chosenFor: string | undefined;
  effect(() => {
    const state = project.state.value;
    const key = state && `${state.project.task} ${state.id}`;
    if (key === openKey) return;
    openKey = key;
    opened.value = undefined;
    if (state === undefined) return;
    openAnnotation(engine, state, messages.unsaved).then((found) => {
      if (key !== openKey) return;
      opened.value = found;
    }, messages.failed);
  });

  effect(() => {
    const [annotations, state, images] = [opened.value?.annotations, project.state.value, project.images.value];
    if (annotations === undefined || state === undefined) return;
    for (const image of images) if (!annotations.has(image.id)) addImage(engine, annotations, image, state.project);
    const known = new Set(images.map(({ id }) => id));
    for (const id of annotations.images) if (!known.has(id)) annotations.removeImage(id);
    noteEdit();
  });

  effect(() => {
    edits.value;
    const [annotations, image] = [opened.value?.annotations, project.image.value];
    if (annotations === undefined || image === undefined || !annotations.has(image.id)) {
      layer.value = undefined;
    } else if (annotations.isOpen(image.id)) layer.value = annotations.layer(image.id);
    else {
      layer.value = undefined;
      annotations.open(image.id).then(noteEdit, messages.failed);
    }
  });

  effect(() => {
    const [found, state] = [opened.value, project.state.value];
    // Labels that are being added may have names of their own.
    if (found === undefined || state === undefined || project.busy.value !== undefined) return;
    // A project begins with names in English, unless its kind is being chosen.
    if (text.language === 'en' || state.readOnly || state.id === chosenFor || found.history.sequence > 0) return;
    chosenFor = state.id;
    if (countClasses(found.annotations, hasLabels) > 0) return;
    const { background, foreground } = text.classes;
    const names: { readonly [name: string]: string | undefined } = { background, foreground };
    setClasses(found.annotations.classes.map((item) => ({ ...item, name: names[item.name] ?? item.name })));
  });

  const keep = (edit: AppliedEdit | undefined): void => {
    const history = opened.value?.history;
    if (edit === undefined || history === undefined) return;
    batch(() => {
      noteEdit();
      unkept.value++;
    });
    settle();
  };
  /** A failure is told by the history itself; the edit stays unkept until a later one is written, or files are again. */
  const settle = (): void => {
    settled().then(
      () => {
        unkept.value = 0;
      },
      () => undefined,
    );
  };
  const settled = async (): Promise<void> => opened.peek()?.history.settled();
  engine.subscribe(({ kind }) => {
    if (kind === 'saved' && unkept.peek() > 0) settle();
  });

  /** Whether an image had labels when the project was opened, or got them since. */
  const hasLabels = (id: ImageId): boolean =>
    project.state.value?.project.images.some((image) => image.id === id && image.labels !== undefined) ?? false;

  /** A value of what is edited, which is no signal itself. */
  const now = <T>(read: (now: OpenedAnnotation) => T, otherwise: T): T => {
    edits.value;
    return opened.value === undefined ? otherwise : read(opened.value);
  };
  const edited = <T>(read: (now: OpenedAnnotation) => T, otherwise: T) => computed(() => now(read, otherwise));
  const undoName = edited(({ history }) => history.undoName, undefined);
  const redoName = edited(({ history }) => history.redoName, undefined);

  const readOnly = computed(() => project.state.value?.readOnly ?? false);

  /** Goes to where an undo or redo changed something, and says what it was. */
  const showEdit = (edit: AppliedEdit | undefined, say: (name: string) => string): void => {
    if (edit === undefined) return;
    keep(edit);
    const [place] = edit.places;
    if (place !== undefined) project.goTo(place.image, place.slice);
    messages.say(say(edit.name));
  };

  /** Does nothing in the middle of a stroke. */
  const step = async (which: 'undo' | 'redo', say: (name: string) => string): Promise<void> => {
    const { annotations, history } = opened.value ?? {};
    if (readOnly.value || annotations?.hasChanges) return;
    await history?.[which]().then((edit) => showEdit(edit, say), messages.failed);
  };

  /** Ends an edit, which can then be undone, and has the engine keep it. */
  const commit = (name: string): void => keep(opened.value?.history.commit(name));

  /** Before the first edit classes are a setting: what they are called does not settle what kind of project it is. */
  const setClasses = (after: readonly AnnotationClass[]): void => {
    const { annotations, history } = opened.value ?? {};
    if (annotations === undefined || history === undefined) return;
    if (history.sequence > 0 || countClasses(annotations, hasLabels) > 0) {
      annotations.classes = after;
      commit(text.edits.classes);
      return;
    }
    annotations.apply({ kind: 'classes', before: annotations.classes, after }, 'after');
    noteEdit();
    void project.change({ classes: after }).catch(messages.failed);
  };

  /** @param change gets the regions of the image on the screen, and whether one of them is to be held out */
  const changeRegions = (
    change: (regions: readonly Region[], isHeld: (region: Region) => boolean) => readonly Region[],
  ): void => {
    const [image, annotations] = [project.image.value, opened.value?.annotations];
    if (image === undefined || annotations === undefined) return;
    const isHeld = (region: Region): boolean => isHeldOutNext(annotations, image.id, region);
    annotations.setRegions(image.id, change(annotations.regions(image.id), isHeld));
    commit(text.edits.region);
  };

  const annotatedImages = steady((): ReadonlySet<ImageId> => {
    const annotated = ({ annotations }: OpenedAnnotation): readonly ImageId[] =>
      annotations.images.filter((id) => isAnnotated(annotations, id, hasLabels(id)));
    return new Set(now(annotated, []));
  });

  return {
    layer,
    edits,
    unkept,
    /** Resolves when all edits are kept. @throws what keeps them from it */
    settled,
    /** Files that are being added may hold the labels of an image that is not annotated, or say what is painted on. */
    canBegin: computed(
      () =>
        !readOnly.value &&
        (project.busy.value === undefined ||
          (project.image.value !== undefined && annotatedImages.value.has(project.image.value.id))),
    ),
    /** Takes over what labels among added files have said and brought. */
    async takeOver({ project: { classes = [] }, labelled }: AddedFiles): Promise<void> {
      const found = opened.value;
      if (found === undefined) return;
      const { annotations, history } = found;
      await history.settled();
      if (history.sequence === 0) annotations.apply({ kind: 'classes', before: [], after: classes }, 'after');
      for (const id of labelled) if (annotations.has(id)) annotations.close(id);
      noteEdit();
    },
    /** How many edits of the project were ever made, undoing included; undefined until its annotation is opened. */
    made: computed(() =>
      now((found) => (found.id === project.state.value?.id ? found.history.sequence : undefined), undefined),
    ),
    annotations: computed(() => opened.value?.annotations),
    readOnly,
    classes: edited<readonly AnnotationClass[]>(({ annotations }) => annotations.classes, []),
    annotatedImages,
    /** Of the page on the screen. */
    regions: steady((): readonly Region[] => {
      edits.value;
      const [image, page] = [project.image.value, project.page.value];
      const annotations = opened.value?.annotations;
      if (image === undefined || annotations === undefined || !annotations.has(image.id)) return [];
      return annotations.regions(image.id).filter(({ slice }) => slice === undefined || slice === page);
    }),
    /** How many complete regions of the project can be scored on. */
    completeRegions: edited(({ annotations }) => regionsToHold(annotations), 0),
    /** How many regions are held out. */
    heldRegions: edited(
      ({ annotations }) =>
        annotations.images.flatMap((id) => annotations.regions(id).filter(({ held }) => held)).length,
      0,
    ),
    /** How many classes, background included, are annotated somewhere. */
    annotatedClasses: edited(({ annotations }) => countClasses(annotations, hasLabels), 0),
    /**
     * Takes over what a model says in a window, where nothing is annotated, and says that all of it is annotated now.
     * @returns false if the model has not said anything of all of it, or the project was left meanwhile
     */
    async acceptPreview(window: View, tiles: readonly PreviewTile[]): Promise<boolean> {
      const { image, page, rect } = window;
      const annotations = opened.value?.annotations;
      const classes = annotations && classesIn(rect, tiles);
      if (annotations === undefined || classes === undefined) return false;
      // It may have come on the screen just now.
      const layer = await annotations.open(image);
      const accepted = (): AcceptedWindow => ({ slice: page, box: boxOf(rect), regions: annotations.regions(image) });
      if (layer.kind === 'classes') acceptClasses(layer, accepted(), classes);
      else {
        const found = await engine.previewObjects(window);
        if (annotations !== opened.value?.annotations) return false;
        acceptObjects(layer, accepted(), { box: boxOf(found.rect), numbers: found.objects.data });
      }
      const shape = acceptedShape(layer, accepted());
      const regions = annotations.regions(image);
      const region = { id: freeId(regions), slice: page, complete: true, origin: 'proofread', held: false } as const;
      if (shape !== undefined) annotations.setRegions(image, [...regions, { ...region, shape }]);
      commit(text.edits.accept);
      return true;
    },
    canUndo: computed(() => undoName.value !== undefined && !readOnly.value),
    canRedo: computed(() => redoName.value !== undefined && !readOnly.value),
    undoText: computed(() =>
      undoName.value === undefined ? text.status.nothingToUndo : text.status.undo(undoName.value),
    ),
    commit,
    /** Lets the engine know also what it cannot keep. */
    handIn: async (): Promise<void> => opened.value?.history.handIn(),
    cancel(): void {
      opened.value?.history.cancel();
    },
    /** What classes were called stays. @throws LamellaError once something is annotated */
    changeTask(task: LayerKind): Promise<void> {
      chosenFor = project.state.value?.id;
      const { kind, classes = [] } = opened.value?.annotations ?? {};
      const usual = kind && CLASSES[kind]();
      const renamed = (i: number) => classes[i] !== undefined && classes[i].name !== usual?.[i]?.name;
      return project.change({
        task,
        classes: CLASSES[task]().map((item, i) => (renamed(i) ? { ...item, name: classes[i].name } : item)),
      });
    },
    addClass(): void {
      const { classes } = opened.value?.annotations ?? {};
      if (classes === undefined) return;
      const taken = new Set(classes.map(({ value }) => value));
      const value = Array.from({ length: 255 }, (_, i) => i).find((free) => !taken.has(free));
      if (value !== undefined) setClasses([...classes, { name: freeClassName(classes), value }]);
    },
    changeClass(at: number, values: Partial<AnnotationClass>): void {
      const { classes } = opened.value?.annotations ?? {};
      if (classes === undefined) return;
      if (classes.some(({ name }, i) => i !== at && name === values.name)) {
        messages.note(text.classes.taken(values.name ?? ''));
        return;
      }
      setClasses(classes.map((item, i) => (i === at ? { ...item, ...values } : item)));
    },
    changeRegion(id: number, values: Partial<Region>): void {
      changeRegions((regions, held) =>
        regions.map((item) => {
          const next = { ...item, ...values };
          return item.id !== id ? item : values.complete === true ? { ...next, held: held(next) } : next;
        }),
      );
    },
    removeRegion(id: number): void {
      changeRegions((regions) => regions.filter((item) => item.id !== id));
    },
    undo: () => step('undo', text.status.undone),
    redo: () => step('redo', text.status.redone),
  };
}

const boxOf = ({ x, y, width, height }: Rect): Box => [x, y, width, height];

/** `class 3`, or the next number that is free. */
function freeClassName(classes: readonly AnnotationClass[]): string {
  const names = new Set(classes.map(({ name }) => name));
  let n = classes.length;
  while (names.has(text.classes.newName(n))) n++;
  return text.classes.newName(n);
}

/** @param hasLabels whether it had some when the project was opened; counts until they are loaded */
function isAnnotated(annotations: Annotations, id: ImageId, hasLabels: boolean): boolean {
  if (!annotations.isOpen(id)) return hasLabels;
  return annotations.layer(id).annotatedSlices().length > 0;
}

function countClasses(annotations: Annotations, hasLabels: (id: ImageId) => boolean): number {
  const found = new Set<number>();
  for (const image of annotations.images) {
    if (annotations.regions(image).some(({ complete }) => complete)) found.add(0);
    if (!annotations.isOpen(image)) {
      // Not looked at yet: taken for annotated with what a project begins with.
      if (hasLabels(image)) found.add(0).add(1);
      continue;
    }
    const layer = annotations.layer(image);
    if (layer.kind === 'classes') for (const label of layer.labels()) found.add(label);
    else {
      if (layer.pixels(0) > 0) found.add(0);
      if (layer.largestLabel > 0) found.add(1);
    }
  }
  return found.size;
}
