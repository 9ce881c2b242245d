/** COCO's JSON of instances (Lin 2014), as pycocotools reads it. */

import { extentsOf, type IntegerArray } from '../objects/grid.ts';
import { type Polygon, type Ring, toPolygons } from '../objects/polygons.ts';
import { compressCounts, maskCounts } from './coco-rle.ts';

/** One image, or one slice of a volume, with its objects. */
export interface CocoImage {
  readonly fileName: string;
  /** [height, width], 0 = background. */
  readonly labels: IntegerArray;
}

export interface CocoOptions {
  /** Name of the category that all objects are of; default `object`. */
  readonly category?: string;
  /**
   * `polygon` (default): outlines, where a hole is reached by a cut, as COCO's polygons have no holes. `rle`:
   * run lengths of the pixels. Both give the same pixels in pycocotools.
   */
  readonly segmentation?: 'polygon' | 'rle';
}

/** Images and objects as one COCO file; `label` of an annotation is the object's value in its image. */
export function writeCoco(images: readonly CocoImage[], options: CocoOptions = {}): string {
  const { category = 'object', segmentation = 'polygon' } = options;
  let id = 0;
  const annotations = images.flatMap(({ labels }, i) => {
    const { height, width } = extentsOf(labels.shape);
    return toPolygons(labels).map(({ label, polygons }) => {
      const box = boxOf(polygons);
      return {
        id: ++id,
        image_id: i + 1,
        category_id: 1,
        label,
        area: polygons.reduce((sum, { exterior, holes }) => sum + areaOf(exterior) + sum0(holes.map(areaOf)), 0),
        bbox: [box.x, box.y, box.width, box.height],
        iscrowd: 0,
        segmentation:
          segmentation === 'rle'
            ? { size: [height, width], counts: compressCounts(maskCounts(labels, label, box)) }
            : polygons.map((polygon) => Array.from(withoutHoles(polygon))),
      };
    });
  });
  const lines = (items: readonly unknown[]): string => items.map((item) => JSON.stringify(item)).join(',\n');
  const listed = images.map(({ fileName, labels: { shape } }, i) => ({
    id: i + 1,
    file_name: fileName,
    width: shape.at(-1),
    height: shape.at(-2),
  }));
  return `{"info":{"description":"Made with Lamella"},
"images":[\n${lines(listed)}\n],
"categories":[${JSON.stringify({ id: 1, name: category, supercategory: '' })}],
"annotations":[\n${lines(annotations)}\n]}\n`;
}

const sum0 = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** sum(x_i y_{i+1} - x_{i+1} y_i) / 2: negative for holes. */
function areaOf(ring: Ring): number {
  let twice = 0;
  for (let i = 0, n = ring.length; i < n; i += 2) {
    const [nextX, nextY] = [ring[(i + 2) % n] as number, ring[(i + 3) % n] as number];
    twice += (ring[i] as number) * nextY - nextX * (ring[i + 1] as number);
  }
  return twice / 2;
}

function boxOf(polygons: readonly Polygon[]) {
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0];
  for (const { exterior } of polygons) {
    for (let i = 0; i < exterior.length; i += 2) {
      const [x, y] = [exterior[i] as number, exterior[i + 1] as number];
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** One ring: from the exterior's first corner to each hole's, around it and back. What lies between counts twice: not at all. */
function withoutHoles({ exterior, holes }: Polygon): Ring {
  if (holes.length === 0) return exterior;
  const [x, y] = [exterior[0] as number, exterior[1] as number];
  const out = [...exterior];
  for (const hole of holes) out.push(x, y, ...hole, hole[0] as number, hole[1] as number);
  return Int32Array.from(out);
}
