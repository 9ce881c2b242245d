/** What is annotated in a project: the labels and regions of its images, and its classes. */

import { UsageError } from '../errors.ts';
import { LabelLayer, type LayerChanges, type LayerSize } from './label-layer.ts';
import type { LayerKind } from './label-values.ts';
import type { Region } from './region.ts';

/** As in `lamella.json`. */
export interface AnnotationClass {
  readonly name: string;
  /** Its label; `rest`: every label that is no other class. */
  readonly value: number | 'rest';
  /** `#RRGGBB`. */
  readonly colour?: string;
}

/** What an edit changed. Lists are replaced as a whole. */
export type Change =
  | ({ readonly kind: 'labels'; readonly image: string } & LayerChanges)
  | {
      readonly kind: 'regions';
      readonly image: string;
      readonly before: readonly Region[];
      readonly after: readonly Region[];
    }
  | {
      readonly kind: 'classes';
      readonly before: readonly AnnotationClass[];
      readonly after: readonly AnnotationClass[];
    };

interface AnnotatedImage {
  readonly layer: LabelLayer;
  regions: readonly Region[];
  /** Those at the last `takeChanges`, if they were replaced since. */
  regionsBefore?: readonly Region[];
}

export class Annotations {
  readonly kind: LayerKind;
  readonly #images = new Map<string, AnnotatedImage>();
  #classes: readonly AnnotationClass[];
  #classesBefore: readonly AnnotationClass[] | undefined;

  constructor(kind: LayerKind, classes: readonly AnnotationClass[] = []) {
    this.kind = kind;
    this.#classes = classes;
  }

  get images(): readonly string[] {
    return [...this.#images.keys()];
  }

  /**
   * Adds an image with what is annotated in it, which is no edit.
   * @returns its layer
   * @throws UsageError if there is an image of this id, or the layer is of the other kind
   */
  addImage(id: string, labels: LabelLayer | LayerSize, regions: readonly Region[] = []): LabelLayer {
    if (this.#images.has(id)) {
      throw new UsageError(`There is an image "${id}" already.`, { remedy: 'Give each image an id of its own.' });
    }
    const layer = labels instanceof LabelLayer ? labels : new LabelLayer(this.kind, labels);
    if (layer.kind !== this.kind) {
      throw new UsageError(`The labels of "${id}" are ${layer.kind}, those of the project are ${this.kind}.`);
    }
    layer.takeChanges();
    this.#images.set(id, { layer, regions });
    return layer;
  }

  /** @throws UsageError if there is no such image */
  layer(image: string): LabelLayer {
    return this.#image(image).layer;
  }

  /** @throws UsageError if there is no such image */
  regions(image: string): readonly Region[] {
    return this.#image(image).regions;
  }

  /** @throws UsageError if there is no such image, or two regions have one id */
  setRegions(image: string, regions: readonly Region[]): void {
    const own = this.#image(image);
    const ids = new Set(regions.map(({ id }) => id));
    if (ids.size < regions.length) {
      throw new UsageError(`Two regions of "${image}" have one id.`, { remedy: 'Number the regions of an image.' });
    }
    own.regionsBefore ??= own.regions;
    own.regions = regions;
  }

  get classes(): readonly AnnotationClass[] {
    return this.#classes;
  }

  set classes(classes: readonly AnnotationClass[]) {
    this.#classesBefore ??= this.#classes;
    this.#classes = classes;
  }

  /** Whether something changed since the last `takeChanges` or `revert`. */
  get hasChanges(): boolean {
    if (this.#classesBefore !== undefined) return true;
    return [...this.#images.values()].some(
      ({ layer, regionsBefore }) => regionsBefore !== undefined || layer.hasChanges,
    );
  }

  /** What changed since the last call. */
  takeChanges(): readonly Change[] {
    const changes: Change[] = [];
    for (const [image, own] of this.#images) {
      if (own.layer.hasChanges) changes.push({ kind: 'labels', image, ...own.layer.takeChanges() });
      if (own.regionsBefore === undefined) continue;
      changes.push({ kind: 'regions', image, before: own.regionsBefore, after: own.regions });
      own.regionsBefore = undefined;
    }
    if (this.#classesBefore !== undefined) {
      changes.push({ kind: 'classes', before: this.#classesBefore, after: this.#classes });
      this.#classesBefore = undefined;
    }
    return changes;
  }

  /** Takes back what changed since the last `takeChanges`. */
  revert(): void {
    for (const own of this.#images.values()) {
      own.layer.revert();
      own.regions = own.regionsBefore ?? own.regions;
      own.regionsBefore = undefined;
    }
    this.#classes = this.#classesBefore ?? this.#classes;
    this.#classesBefore = undefined;
  }

  /** Makes a change once more, or takes it back; it is not noted as a change to be taken. */
  apply(change: Change, side: 'before' | 'after'): void {
    if (change.kind === 'labels') {
      const { layer } = this.#image(change.image);
      for (const chunk of change.chunks) layer.exchange(chunk.key, chunk[side]);
    } else if (change.kind === 'regions') this.#image(change.image).regions = change[side];
    else this.#classes = change[side];
  }

  #image(id: string): AnnotatedImage {
    const image = this.#images.get(id);
    if (image !== undefined) return image;
    throw new UsageError(`There is no image "${id}".`, { remedy: `Add it first; there are ${this.#images.size}.` });
  }
}
