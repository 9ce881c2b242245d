/** What is painted in a project of ilastik (`.ilp`), pixel classification: blocks of class numbers, in HDF5. */

import { FormatError } from '../../errors.ts';
import {
  axisTags,
  type Hdf5Dataset,
  type Hdf5Group,
  isGroup,
  samplesOf,
  textOf,
  typeOf,
  withHdf5,
} from '../../image/formats/hdf5/hdf5.ts';
import type { Size } from '../../objects/fill-polygon.ts';
import type { DrawnShapes, Shape } from './shape.ts';

const LABELS = 'PixelClassification/LabelSets';
const NAMES = 'PixelClassification/LabelNames';
const IMAGES = 'Input Data/infos';

/** The painted labels by the image that they are on, as the project names it. */
export async function readIlastikProject(bytes: Uint8Array, file: string): Promise<ReadonlyMap<string, DrawnShapes>> {
  return withHdf5(bytes, file, (root) => {
    const refuse = (problem: string): FormatError =>
      new FormatError(problem, { file, remedy: 'Export the labels from ilastik as images ("Labels").' });
    if (!has(root, LABELS)) throw refuse('the ilastik project has no labels of pixel classification.');
    const names = Array.from((root.get(NAMES) as Hdf5Dataset).value as ArrayLike<string>, (name) => textOf(name) ?? '');
    const sets = root.get(LABELS) as Hdf5Group;
    const found = new Map<string, DrawnShapes>();
    for (const key of sets.keys) {
      const set = sets.get(key) as Hdf5Group;
      if (set.keys.length === 0) continue;
      const lane = `${IMAGES}/lane${key.replace(/^labels0*(\d)/, '$1').padStart(4, '0')}/Raw Data`;
      if (!has(root, lane)) throw refuse(`it has labels of an image that it does not list (${key}).`);
      const raw = root.get(lane) as Hdf5Group;
      const path = pathOf(raw);
      if (path === undefined || /[*;]/.test(path)) throw refuse('it has labels of an image that is in several files.');
      const axes = has(raw, 'axistags') ? axisTags((raw.get('axistags') as Hdf5Dataset).value, file) : undefined;
      const shapes = set.keys.flatMap((name) => shapesOfBlock(set.get(name) as Hdf5Dataset, { axes, names, file }));
      found.set(path, { shapes, drawnOn: sizeOf(raw, axes), unpainted: 'not annotated' });
    }
    return found;
  });
}

/** Whether there is something at a path. */
function has(group: Hdf5Group, path: string): boolean {
  let at: Hdf5Group | Hdf5Dataset = group;
  for (const key of path.split('/')) {
    if (!isGroup(at) || !at.keys.includes(key)) return false;
    at = at.get(key);
  }
  return true;
}

/** With `/`, and without the dataset within an HDF5 file. */
function pathOf(raw: Hdf5Group): string | undefined {
  if (!has(raw, 'filePath')) return undefined;
  const path = textOf((raw.get('filePath') as Hdf5Dataset).value)?.replaceAll('\\', '/');
  return path?.replace(/(\.(?:h5|hdf5|ilp))\/.*$/i, '$1');
}

/** Height and width of an image, if it is stated. */
function sizeOf(raw: Hdf5Group, axes: string | undefined): Size | undefined {
  if (axes === undefined || !has(raw, 'shape')) return undefined;
  const lengths = (raw.get('shape') as Hdf5Dataset).value as ArrayLike<number>;
  if (lengths.length !== axes.length) return undefined;
  return [Number(lengths[axes.indexOf('y')]), Number(lengths[axes.indexOf('x')])];
}

interface BlockContext {
  readonly axes: string | undefined;
  readonly names: readonly string[];
  readonly file: string;
}

/** A shape for each class and slice of a block; `blockSlice` says where it lies, as `[10:15,20:26,0:1]`. */
function shapesOfBlock(block: Hdf5Dataset, { axes: ofImage, names, file }: BlockContext): readonly Shape[] {
  const refuse = (problem: string): FormatError =>
    new FormatError(problem, { file, remedy: 'Open the project in ilastik and save it again.' });
  const dtype = typeOf(block);
  const { shape } = block;
  const axes = axisTags(block.attrs.axistags, file) ?? ofImage;
  const starts = [...(textOf(block.attrs.blockSlice) ?? '').matchAll(/(\d+):(\d+)/g)].map(([, from]) => Number(from));
  if (dtype === undefined || axes?.length !== shape.length || starts.length !== shape.length)
    throw refuse('a block of labels does not say where it lies.');
  const values = samplesOf(block, dtype, file);
  const along = (axis: string) => {
    const i = axes.indexOf(axis);
    const stride = shape.slice(i + 1).reduce((product, length) => product * length, 1);
    return i < 0
      ? { start: 0, length: 1, stride: 0 }
      : { start: starts[i] as number, length: shape[i] as number, stride };
  };
  const [t, z, y, x] = [along('t'), along('z'), along('y'), along('x')];
  const shapes: Shape[] = [];
  for (let time = 0; time < t.length; time++) {
    for (let slice = 0; slice < z.length; slice++) {
      const at = (row: number, column: number): number =>
        Number(values[time * t.stride + slice * z.stride + row * y.stride + column * x.stride]);
      const present = new Set<number>();
      for (let row = 0; row < y.length; row++)
        for (let column = 0; column < x.length; column++) present.add(at(row, column));
      present.delete(0);
      for (const value of [...present].sort((a, b) => a - b)) {
        const name = names[value - 1];
        if (name === undefined) throw refuse(`it has labels of class ${value}, which it does not name.`);
        shapes.push({
          name,
          className: name,
          isGroup: true,
          place: {
            ...(axes.includes('t') && { t: t.start + time }),
            ...(axes.includes('z') && { z: z.start + slice }),
          },
          bounds: [x.start, y.start, x.start + x.length, y.start + y.length],
          fill: ([height, width], found) => {
            const [rows, columns] = [Math.min(y.length, height - y.start), Math.min(x.length, width - x.start)];
            for (let row = 0; row < rows; row++) {
              for (let column = 0; column < columns; column++) {
                if (at(row, column) !== value) continue;
                const from = column;
                while (column < columns && at(row, column) === value) column++;
                found(y.start + row, x.start + from, x.start + column);
              }
            }
          },
        });
      }
    }
  }
  return shapes;
}
