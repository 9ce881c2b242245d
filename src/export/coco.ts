/** COCO instance annotations in JSON (Lin 2014), as read by pycocotools. */

import { boundsOfLines } from '../objects/fill-polygon.ts';
import { extentsOf, type IntegerArray } from '../objects/grid.ts';
import { toPolygons } from '../objects/polygons.ts';
import type { Polygon, Ring } from '../objects/rings.ts';
import { compressCounts, maskCounts } from './coco-rle.ts';

/** One image, or one slice of a volume, with its objects. */
export interface CocoImage {
  /** The image file with its extension, relative to the image folder. */
  readonly fileName: string;
  /**
   * Slice and time point within that file, from 1; undefined if there is only one. These fields are not part of COCO.
   */
  readonly slice?: number;
  readonly frame?: number;
  /** [height, width], 0 = background. */
  readonly labels: IntegerArray;
  /** Categories of objects, by their labels; others have that of `CocoOptions`. */
  readonly classes?: ReadonlyMap<number, string>;
}

export interface CocoOptions {
  /** Category of the objects that have no class; default `object`. */
  readonly category?: string;
  /**
   * `polygon` (default): outlines; holes are connected by a cut, as COCO's polygons have none. `rle`: run lengths of
   * the pixels. Both decode to the same pixels in pycocotools.
   */
  readonly segmentation?: 'polygon' | 'rle';
}

/**
 * Builds a COCO file incrementally: `add` each image, then `text`. The `label` of an annotation is the object's value
 * in its image.
 */
export class CocoFile {
  readonly #options: Required<CocoOptions>;
  readonly #images: string[] = [];
  readonly #annotations: string[] = [];
  /** In the order of their numbers, from 1. */
  readonly #categories: string[] = [];

  constructor({ category = 'object', segmentation = 'polygon' }: CocoOptions = {}) {
    this.#options = { category, segmentation };
  }

  add({ fileName, slice, frame, labels, classes }: CocoImage): void {
    const { height, width } = extentsOf(labels.shape);
    const imageId = this.#images.length + 1;
    this.#images.push(JSON.stringify({ id: imageId, file_name: fileName, width, height, slice, frame }));
    for (const { label, polygons } of toPolygons(labels)) {
      const [left, top, right, bottom] = boundsOfLines(polygons.map(({ exterior }) => exterior));
      const box = { x: left, y: top, width: right - left, height: bottom - top };
      const category = classes?.get(label) ?? this.#options.category;
      if (!this.#categories.includes(category)) this.#categories.push(category);
      const annotation = {
        id: this.#annotations.length + 1,
        image_id: imageId,
        category_id: 1 + this.#categories.indexOf(category),
        label,
        area: polygons.reduce((sum, { exterior, holes }) => sum + total([exterior, ...holes].map(areaOf)), 0),
        bbox: [box.x, box.y, box.width, box.height],
        iscrowd: 0,
        segmentation:
          this.#options.segmentation === 'rle'
            ? { size: [height, width], counts: compressCounts(maskCounts(labels, label, box)) }
            : polygons.map((polygon) => Array.from(withoutHoles(polygon))),
      };
      this.#annotations.push(JSON.stringify(annotation));
    }
  }

  text(): string {
    const names = this.#categories.length === 0 ? [this.#options.category] : this.#categories;
    const categories = names.map((name, i) => JSON.stringify({ id: i + 1, name, supercategory: '' }));
    return `{"info":{"description":"Made with Lamella"},
"images":[\n${this.#images.join(',\n')}\n],
"categories":[${categories.join(',')}],
"annotations":[\n${this.#annotations.join(',\n')}\n]}\n`;
  }
}

/** All images and their objects as one COCO file. */
export function writeCoco(images: readonly CocoImage[], options: CocoOptions = {}): string {
  const file = new CocoFile(options);
  for (const image of images) file.add(image);
  return file.text();
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** sum(x_i y_{i+1} - x_{i+1} y_i) / 2: negative for holes. */
function areaOf(ring: Ring): number {
  let twice = 0;
  for (let i = 0, n = ring.length; i < n; i += 2) {
    const [nextX, nextY] = [ring[(i + 2) % n], ring[(i + 3) % n]];
    twice += ring[i] * nextY - nextX * ring[i + 1];
  }
  return twice / 2;
}

/**
 * A single ring: from the exterior's first corner to each hole's, around it and back. The area of the connecting path
 * cancels out.
 */
function withoutHoles({ exterior, holes }: Polygon): Ring {
  if (holes.length === 0) return exterior;
  const [x, y] = [exterior[0], exterior[1]];
  const out = [...exterior];
  for (const hole of holes) out.push(x, y, ...hole, hole[0], hole[1]);
  return Int32Array.from(out);
}
