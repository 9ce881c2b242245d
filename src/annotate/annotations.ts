/** What is annotated in a project: the labels and regions of its images, and its classes. */

import { UsageError } from '../errors.ts';
import type { AnnotationClass } from './annotation-class.ts';
import type { Side } from './chunk-runs.ts';
import { applyLabels, type Change, isMadeOn, type LabelChange } from './edit.ts';
import { LabelLayer, type LayerSize } from './label-layer.ts';
import type { LayerKind } from './label-values.ts';
import { type Region, requireRegion } from './region.ts';

interface AnnotatedImage {
  readonly size: Required<LayerSize>;
  layer: LabelLayer | undefined;
  /** For an image that is opened when it is needed. */
  readonly load?: () => Promise<LabelLayer>;
  regions: readonly Region[];
  /** Those at the last `takeChanges`, if they were replaced since. */
  regionsBefore?: readonly Region[];
}

/** A change of one image, with or without what it changed. */
type ImageChange = Pick<LabelChange, 'kind' | 'image' | 'size'> | Pick<RegionsChange, 'kind' | 'image'>;
type RegionsChange = Extract<Change, { readonly kind: 'regions' }>;

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

  has(image: string): boolean {
    return this.#images.has(image);
  }

  /** Whether a change is of an image that is there, of the size that it was made on. */
  isOfImage(change: ImageChange): boolean {
    const size = this.#images.get(change.image)?.size;
    return size !== undefined && (change.kind !== 'labels' || isMadeOn(change, size));
  }

  /**
   * Adds an image with what is annotated in it, which is no edit.
   * @param labels its layer or, where nothing is annotated, its size
   * @returns its layer
   * @throws UsageError if there is an image of this id, or the layer is of the other kind
   */
  addImage(id: string, labels: LabelLayer | LayerSize, regions: readonly Region[] = []): LabelLayer {
    const layer = labels instanceof LabelLayer ? labels : new LabelLayer(this.kind, labels);
    requireLayer(id, layer, this.kind, layer);
    this.#add(id, layer, { layer }, regions);
    return layer;
  }

  /**
   * Adds an image whose labels are loaded when they are needed.
   * @param load its layer, as after all edits so far
   * @throws UsageError if there is an image of this id
   */
  addClosedImage(id: string, size: LayerSize, load: () => Promise<LabelLayer>, regions: readonly Region[] = []): void {
    this.#add(id, size, { layer: undefined, load }, regions);
  }

  /** Removes an image, which is no edit: what was done to it can no longer be undone. Its id must not return. */
  removeImage(id: string): void {
    this.#image(id);
    this.#images.delete(id);
  }

  /** The labels of an image, loaded if need be. @throws as its `load`, and UsageError if there is no such image */
  async open(id: string): Promise<LabelLayer> {
    const image = this.#image(id);
    if (image.layer !== undefined || image.load === undefined) return this.layer(id);
    const layer = await image.load();
    requireLayer(id, layer, this.kind, image.size);
    image.layer ??= layer;
    return image.layer;
  }

  /** Whether the labels of an image are in memory. */
  isOpen(id: string): boolean {
    return this.#image(id).layer !== undefined;
  }

  /**
   * Lets go of the labels of an image, which `addClosedImage` has loaded. Wait for `History.settled` first, so that what
   * loads them again can contain every edit.
   * @throws UsageError while an edit of it is not committed, and if it could not be loaded again
   */
  close(id: string): void {
    const image = this.#image(id);
    if (image.load === undefined || image.layer?.hasChanges) {
      throw new UsageError(`The labels of "${id}" cannot be closed.`, {
        remedy: 'Commit or cancel the edit first; close only images that were added with what loads them.',
      });
    }
    image.layer = undefined;
  }

  /** The labels of an image. @throws UsageError if there is no such image, or it is not open */
  layer(id: string): LabelLayer {
    const { layer } = this.#image(id);
    if (layer !== undefined) return layer;
    throw new UsageError(`The labels of "${id}" are not loaded.`, { remedy: 'Open the image first.' });
  }

  /** @throws UsageError if there is no such image */
  regions(image: string): readonly Region[] {
    return this.#image(image).regions;
  }

  /**
   * Replaces the regions of an image.
   * @throws UsageError if there is no such image, two regions have one id, or a slice is not there; DatasetError for a
   * region that reaches beyond the image or encloses no pixel
   */
  setRegions(image: string, regions: readonly Region[]): void {
    const own = this.#image(image);
    const { width, height, slices } = own.size;
    const ids = new Set(regions.map(({ id }) => id));
    if (ids.size < regions.length) {
      throw new UsageError(`Two regions of "${image}" have one id.`, { remedy: 'Number the regions of an image.' });
    }
    for (const region of regions) {
      requireRegion(region, [height, width], image);
      const { id, slice = 0 } = region;
      if (Number.isInteger(slice) && slice >= 0 && slice < slices) continue;
      throw new UsageError(`Region ${id} of "${image}" is in slice ${slice}; the image has ${slices}.`, {
        remedy: `Use a slice from 0 to ${slices - 1}.`,
      });
    }
    own.regionsBefore ??= own.regions;
    own.regions = regions.map(asPlainJson);
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
      ({ layer, regionsBefore }) => regionsBefore !== undefined || layer?.hasChanges === true,
    );
  }

  /** What changed since the last call. */
  takeChanges(): readonly Change[] {
    const changes: Change[] = [];
    for (const [image, own] of this.#images) {
      const { layer } = own;
      if (layer?.hasChanges) {
        const { width, height, slices } = layer;
        changes.push({ kind: 'labels', image, size: [width, height, slices], ...layer.takeChanges() });
      }
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
      own.layer?.revert();
      own.regions = own.regionsBefore ?? own.regions;
      own.regionsBefore = undefined;
    }
    this.#classes = this.#classesBefore ?? this.#classes;
    this.#classesBefore = undefined;
  }

  /**
   * Makes a change once more (`after`), or takes it back (`before`); it is not noted as a change to be taken.
   * @throws UsageError if its image is not there or not open; FormatError if that has another size
   */
  apply(change: Change, side: Side): void {
    if (change.kind === 'labels') applyLabels(this.layer(change.image), change, side);
    else if (change.kind === 'regions') this.#image(change.image).regions = change[side];
    else this.#classes = change[side];
  }

  #add(
    id: string,
    { width, height, slices = 1 }: LayerSize,
    labels: Pick<AnnotatedImage, 'layer' | 'load'>,
    regions: readonly Region[],
  ): void {
    if (this.#images.has(id)) {
      throw new UsageError(`There is an image "${id}" already.`, { remedy: 'Give each image an id of its own.' });
    }
    this.#images.set(id, { size: { width, height, slices }, ...labels, regions });
  }

  #image(id: string): AnnotatedImage {
    const image = this.#images.get(id);
    if (image !== undefined) return image;
    throw new UsageError(`There is no image "${id}".`, { remedy: `Add it first; there are ${this.#images.size}.` });
  }
}

/** Lines of polygons may be typed arrays, which JSON would not keep. */
const asPlainJson = (region: Region): Region =>
  'box' in region.shape
    ? region
    : { ...region, shape: { polygon: region.shape.polygon.map((line) => Array.from(line)) } };

/** Refuses a layer of another kind or size. What is in it at first is no edit. */
function requireLayer(id: string, layer: LabelLayer, kind: LayerKind, size: Required<LayerSize>): void {
  const { width, height, slices } = size;
  if (layer.kind !== kind || layer.width !== width || layer.height !== height || layer.slices !== slices) {
    throw new UsageError(
      `The labels of "${id}" are ${layer.kind}, ${layer.width} x ${layer.height} x ${layer.slices}.`,
      { remedy: `Use a layer of ${kind} with ${width} x ${height} x ${slices} pixels.` },
    );
  }
  layer.acceptChanges();
}
