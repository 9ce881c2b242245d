/** Objects that are chosen, and what can be done with all of them at once; labels of whole slices. */

import { effect, signal } from '@preact/signals';
import {
  continueFor,
  copySlice,
  deleteObjects,
  fillObjectHoles,
  interpolateSlices,
  type LabelLayer,
  mergeObjects,
} from 'lamella/studio';
import { nextTask } from '../next-task.ts';
import { text } from '../text/text.ts';
import type { Annotation } from './annotation.ts';
import type { Messages } from './messages.ts';
import type { OpenProject } from './project.ts';
import { steady } from './steady.ts';

const SLICE_MS = 8;

export function createObjects(annotation: Annotation, project: OpenProject, messages: Messages) {
  const chosen = signal<ReadonlySet<number>>(new Set());

  // Objects of one image are not those of another.
  effect(() => {
    project.image.value;
    chosen.value = new Set();
  });

  /** Those that are still there: an undo may have taken some. */
  const selected = steady((): readonly number[] => {
    annotation.edits.value;
    const layer = annotation.layer.value;
    return layer === undefined ? [] : [...chosen.value].filter((one) => layer.pixels(one) > 0).sort((a, b) => a - b);
  });

  const change = (
    name: string,
    needed: number,
    edit: (layer: LabelLayer, objects: readonly number[]) => void,
  ): void => {
    const layer = annotation.layer.value;
    if (layer === undefined || annotation.readOnly.value) return;
    if (layer.kind !== 'objects' || selected.value.length < needed) {
      messages.note(text.objects.choose(needed));
      return;
    }
    edit(layer, selected.value);
    annotation.commit(name);
  };

  return {
    selected,
    /** @param adds to those that are chosen */
    select(objects: readonly number[], adds: boolean): void {
      chosen.value = new Set(adds ? [...chosen.value, ...objects] : objects);
    },
    merge: (): void => change(text.edits.merge, 2, mergeObjects),
    remove: (): void => change(text.edits.remove, 1, (layer, objects) => deleteObjects(layer, objects)),
    fillHoles: (): void =>
      change(text.edits.fillHoles, 1, (layer, objects) => {
        for (const object of objects) fillObjectHoles(layer, object, project.page.value);
      }),
    /** Copies the labels of the slice on the screen to the next one, and goes there. */
    copyToNext(): void {
      const [layer, page] = [annotation.layer.value, project.page.value];
      if (layer === undefined || page + 1 >= layer.slices || annotation.readOnly.value) return;
      copySlice(layer, page, page + 1);
      annotation.commit(text.edits.copySlice);
      project.goToPage(page + 1);
    },
    /** Fills the slices between the annotated ones before and after the one on the screen. */
    async interpolate(): Promise<void> {
      const [layer, page] = [annotation.layer.value, project.page.value];
      if (layer === undefined || annotation.readOnly.value) return;
      const annotated = layer.annotatedSlices();
      const before = annotated.findLast((slice) => slice <= page);
      const after = annotated.find((slice) => slice > (before ?? page));
      if (before === undefined || after === undefined || after - before < 2) {
        messages.note(text.objects.noSlices);
        return;
      }
      await project.during(text.busy.interpolating, async () => {
        const task = interpolateSlices(layer, before, after);
        while (!continueFor(task, SLICE_MS, () => performance.now()).done) await nextTask();
        annotation.commit(text.edits.interpolate);
      });
    },
  };
}

export type Objects = ReturnType<typeof createObjects>;
