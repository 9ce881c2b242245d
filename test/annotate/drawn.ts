/** Layers of objects from drawings, and back. */
import { LabelLayer } from '../../src/annotate/label-layer.ts';
import { setPage } from '../../src/annotate/pages.ts';
import { ndarray } from '../../src/array/ndarray.ts';

export const NONE = 2147483647;

/** A layer from drawings of its slices: digits and letters from A = 10 are labels, `.` is not annotated. */
export function drawn(...slices: readonly (readonly string[])[]): LabelLayer {
  const [first] = slices as [readonly string[]];
  const [height, width] = [first.length, (first[0] as string).length];
  const layer = new LabelLayer('objects', { width, height, slices: slices.length });
  for (const [z, rows] of slices.entries()) {
    const values = [...rows.join('')].map((character) => (character === '.' ? NONE : Number.parseInt(character, 36)));
    setPage(layer, ndarray('uint32', [height, width], Uint32Array.from(values)), z, NONE);
  }
  return layer;
}

export const show = (layer: LabelLayer, slice = 0): readonly string[] => {
  const labels = Array.from(layer.read([0, 0, layer.width, layer.height], slice), (v) =>
    v === NONE ? '.' : v.toString(36).toUpperCase(),
  );
  return Array.from({ length: layer.height }, (_, y) => labels.slice(y * layer.width, (y + 1) * layer.width).join(''));
};
