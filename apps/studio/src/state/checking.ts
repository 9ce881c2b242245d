/** The places where a model is least sure, one after the other: accept what it says, correct it, or go on. */

import { batch, computed, effect, signal } from '@preact/signals';
import type { CheckPlace, Engine } from 'lamella/studio';
import { text } from '../text/text.ts';
import type { Annotation } from './annotation.ts';
import type { Display } from './display.ts';
import type { Live } from './live.ts';
import type { Messages } from './messages.ts';
import type { OpenProject } from './project.ts';

const MOST_PLACES = 42;

export type Verdict = 'accepted' | 'corrected' | 'skipped';

interface Parts {
  readonly engine: Engine;
  readonly project: OpenProject;
  readonly display: Display;
  readonly annotation: Annotation;
  readonly live: Live;
  readonly messages: Messages;
}

export type Checking = ReturnType<typeof createChecking>;

export function createChecking({ engine, project, display, annotation, live, messages }: Parts) {
  const places = signal<readonly CheckPlace[]>([]);
  const verdicts = signal<ReadonlyMap<CheckPlace, Verdict>>(new Map());
  const at = signal(0);
  const searching = signal(false);

  const current = computed(() => places.value[at.value]);

  /** What is annotated in a place; undefined until that is loaded. */
  const annotatedIn = ({ image, page, rect: { x, y, width, height } }: CheckPlace): string | undefined => {
    const annotations = annotation.annotations.value;
    if (!annotations?.isOpen(image)) return undefined;
    const labels = annotations.layer(image).read([x, y, width, height], page);
    return labels.join() + JSON.stringify(annotations.regions(image));
  };
  /** Of each place when it was shown first. */
  const before = new Map<CheckPlace, string>();
  effect(() => {
    const [place] = [current.value, annotation.layer.value];
    const now = place && !before.has(place) ? annotatedIn(place) : undefined;
    if (place !== undefined && now !== undefined) before.set(place, now);
  });

  const show = (index: number): void => {
    at.value = index;
    const place = places.value[index];
    if (place === undefined) return;
    project.goTo(place.image, place.page);
    display.lookAt(place.image, place.rect);
  };

  /** The next place without a verdict; none: the first one again. */
  const next = (): void => {
    const order = places.value.map((_, i) => (at.value + 1 + i) % places.value.length);
    const open = order.find((i) => !verdicts.value.has(places.value[i]));
    if (open === undefined) {
      messages.note(text.check.done);
      return;
    }
    show(open);
  };

  const judge = (verdict: Verdict, place = current.value): void => {
    if (place === undefined) return;
    verdicts.value = new Map(verdicts.value).set(place, verdict);
    if (place === current.value) next();
  };

  /** The place that is being accepted: objects are asked of the engine. */
  let accepting: CheckPlace | undefined;

  const randomOnes = computed(() => places.value.filter(({ random }) => random));

  return {
    places,
    verdicts,
    at,
    current,
    searching,
    show,
    next,
    /** Of the places that were drawn at random, how many of those judged were right as they were. */
    accuracy: computed(() => {
      const judged = randomOnes.value
        .map((place) => verdicts.value.get(place))
        .filter((one) => one && one !== 'skipped');
      return { right: judged.filter((one) => one === 'accepted').length, judged: judged.length };
    }),
    async search(): Promise<void> {
      if (searching.value) return;
      searching.value = true;
      try {
        const found = await engine.places(MOST_PLACES);
        batch(() => {
          places.value = found;
          verdicts.value = new Map();
          before.clear();
        });
        if (found.length === 0) messages.note(text.check.none);
        else show(0);
      } catch (error) {
        messages.failed(error);
      } finally {
        searching.value = false;
      }
    },
    stop: (): Promise<void> => engine.stop().catch(messages.failed),
    /** What the model says in the window becomes annotation, where there is none yet. */
    async accept(): Promise<void> {
      const place = current.value;
      if (place === undefined || place === accepting) return;
      accepting = place;
      try {
        if (await annotation.acceptPreview(place, live.tiles.value)) judge('accepted', place);
        else messages.note(text.check.noPreview);
      } catch (error) {
        messages.failed(error);
      } finally {
        accepting = undefined;
      }
    },
    /** Only what was changed: where nothing was, the place is as it was. */
    corrected(): void {
      const place = current.value;
      if (place === undefined) return;
      if (annotatedIn(place) === before.get(place)) messages.note(text.check.unchanged);
      else judge('corrected');
    },
    skip: (): void => judge('skipped'),
    forget(): void {
      batch(() => {
        places.value = [];
        verdicts.value = new Map();
        at.value = 0;
      });
    },
  };
}
