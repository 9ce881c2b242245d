/** Random edits of every kind over several images, and what they leave. */
import fc from 'fast-check';
import { Annotations } from '../../src/annotate/annotations.ts';
import { BrushStroke } from '../../src/annotate/brush.ts';
import { flood, forEachRun, sameLabel } from '../../src/annotate/flood.ts';
import type { LayerKind } from '../../src/annotate/label-values.ts';
import { nextObject, replaceLabels } from '../../src/annotate/object-edits.ts';
import { painter, paintShape } from '../../src/annotate/paint.ts';
import { copySlice } from '../../src/annotate/slices.ts';

export const SIZES = [
  { width: 600, height: 300, slices: 5 },
  { width: 257, height: 513, slices: 5 },
  { width: 40, height: 30, slices: 5 },
] as const;
export const IMAGES = ['a', 'b', 'c'] as const;

export type RandomEdit = ReturnType<typeof anEdit> extends fc.Arbitrary<infer T> ? T : never;

const share = fc.integer({ min: -100, max: 1100 }).map((thousandth) => thousandth / 1000);
const point = fc.tuple(share, share);

export const anEdit = () =>
  fc.record({
    kind: fc.constantFrom('brush', 'brush', 'polygon', 'flood', 'replace', 'copy', 'regions', 'classes'),
    image: fc.nat(2),
    slice: fc.nat(4),
    value: fc.oneof(fc.nat(5), fc.constant('none')),
    points: fc.array(point, { minLength: 3, maxLength: 5 }),
    diameter: fc.integer({ min: 1, max: 60 }),
    over: fc.constantFrom('anything' as const, 'unlabelled' as const),
    /** Whether the next edit is committed together with this one. */
    joined: fc.nat(9),
  });

export function newAnnotations(kind: LayerKind): Annotations {
  const annotations = new Annotations(kind, [{ name: 'first', value: 1 }]);
  for (const [i, size] of SIZES.entries()) annotations.addImage(IMAGES[i] as string, size);
  return annotations;
}

export function edit(
  annotations: Annotations,
  { kind, image, slice, points, diameter, over, ...rest }: RandomEdit,
): void {
  const id = IMAGES[image] as string;
  const layer = annotations.layer(id);
  const value = rest.value === 'none' ? layer.notAnnotated : (rest.value as number);
  const positions = points.map(([x, y]) => [x * layer.width, y * layer.height] as const);
  const options = { value, slice, over };
  const first = positions[0] as readonly [number, number];
  const seed = [Math.floor(first[0]), Math.floor(first[1])] as const;
  if (kind === 'brush') {
    const stroke = new BrushStroke(layer, { ...options, diameter });
    for (const position of positions) stroke.moveTo(...position);
  } else if (kind === 'polygon') {
    paintShape(layer, { polygon: [positions.flat()] }, options);
  } else if (kind === 'flood') {
    const task = flood(sameLabel(layer, seed, slice), seed, { size: [layer.height, layer.width], limit: 20_000 });
    let state = task.next();
    while (!state.done) state = task.next();
    forEachRun(state.value, painter(layer, options));
  } else if (kind === 'replace') {
    replaceLabels(layer, [layer.get(...seed, slice)], layer.kind === 'objects' ? nextObject(layer) : value);
  } else if (kind === 'copy') copySlice(layer, slice, (slice + 1) % 5, { over });
  else if (kind === 'regions') {
    const id = 1 + Math.max(0, ...annotations.regions(IMAGES[image] as string).map((region) => region.id));
    const shape = { box: [0, 0, 5 + diameter / 60, 9].map(Math.floor) as [number, number, number, number] };
    const region = { id, shape, slice, complete: true, origin: 'painted', held: diameter % 2 === 0 } as const;
    annotations.setRegions(IMAGES[image] as string, [...annotations.regions(IMAGES[image] as string), region]);
  } else annotations.classes = [...annotations.classes, { name: `class ${annotations.classes.length}`, value: 9 }];
}

/** Everything that can be undone, as text and bytes that can be compared. */
export function contentOf(annotations: Annotations): readonly (string | Buffer)[] {
  return [
    JSON.stringify(annotations.classes),
    ...annotations.images.flatMap((id) => {
      const layer = annotations.layer(id);
      const slices = Array.from({ length: layer.slices }, (_, z) => layer.read([0, 0, layer.width, layer.height], z));
      const counts = [...layer.labels()].sort((a, b) => a - b).map((label) => [label, layer.pixels(label)]);
      return [JSON.stringify([annotations.regions(id), counts]), ...slices.map((labels) => Buffer.from(labels.buffer))];
    }),
  ];
}

/** Whether two contents are equal, byte by byte. */
export const isSame = (a: readonly (string | Buffer)[], b: readonly (string | Buffer)[]): boolean =>
  a.length === b.length &&
  a.every((item, i) => {
    const other = b[i];
    return typeof item === 'string' || typeof other === 'string' || other === undefined
      ? item === other
      : Buffer.compare(item, other) === 0;
  });
