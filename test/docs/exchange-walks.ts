/** For each section of docs/exchange.md: the files that it names, and what its commands must make of them. */

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { strFromU8, unzipSync, zipSync } from 'fflate';
import { expect } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { stream } from '../../src/array/random.ts';
import { IGNORE } from '../../src/dataset/labels/labels.ts';
import { writeCoco } from '../../src/export/coco.ts';
import { writeGeoJson } from '../../src/export/geojson.ts';
import { writeRoiZip } from '../../src/export/imagej-roi.ts';
import { writeLabelTiff } from '../../src/export/label-tiff.ts';
import { outlineSlices } from '../../src/export/outlined-slices.ts';
import { ModelProtoSchema } from '../../src/graph/onnx/messages.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { fromBinary } from '../../src/graph/onnx/protobuf.ts';
import { writeNifti } from '../../src/image/formats/nifti/write.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readMetadata } from '../../src/models/metadata.ts';
import type { IntegerArray } from '../../src/objects/grid.ts';
import { nodeFiles } from '../../src/platform/node/files.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import { parseConfig } from '../../src/train/config.ts';
import { convertLabels } from '../../src/workflows/convert-labels.ts';
import { crowdedLabels } from '../export/label-maps.ts';
import { brightnessModel } from '../support/brightness-model.ts';
import { askPeerOf } from '../support/peers.ts';
import { writeScan } from '../support/scan.ts';

/** What came of a command. @param said all that it printed */
type Check = (folder: string, said: string) => Promise<void> | void;

export interface Walk {
  /** Title of the section. */
  readonly section: string;
  /** Whose files. */
  readonly of: string;
  /** Whether Python libraries write or read them. */
  readonly needsPeers?: boolean;
  /** Makes the files. */
  readonly prepare: (folder: string) => Promise<void> | void;
  /** By the line of the page, in its order; all are run in one folder. */
  readonly commands: Readonly<Record<string, Check>>;
}

const golden = (name: string) => JSON.parse(readFileSync(`test/golden/${name}`, 'utf8'));

function write(file: string, content: Uint8Array | string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

const pixelsOf = async (file: string): Promise<readonly number[]> => [...(await readImageFile(file)).data].map(Number);

/** A picture of a size, of values that differ. */
const grey = (height: number, width: number, seed = 7): Image<'uint8'> => ({
  ...ndarray(
    'uint8',
    [height, width],
    Uint8Array.from({ length: height * width }, (_, p) => (p * seed) % 251),
  ),
  axes: 'yx',
  spacing: {},
});

/** Row, first column and column after the last, again and again. */
type Runs = readonly number[];

/** Later shapes lie on earlier ones. */
function painted(
  [height, width]: readonly [number, number],
  shapes: readonly Runs[],
  values: readonly number[],
): number[] {
  const out = new Array<number>(height * width).fill(0);
  for (const [i, runs] of shapes.entries()) {
    for (let k = 0; k < runs.length; k += 3) {
      const row = width * (runs[k] as number);
      out.fill(values[i] as number, row + (runs[k + 1] as number), row + (runs[k + 2] as number));
    }
  }
  return out;
}

/** By name: slice, row and column of each voxel, one after the other. */
type Voxels = Readonly<Record<string, readonly number[]>>;

/** Numbers of names in their order, from 1, at their voxels. */
function ofVoxels([, rows, columns]: readonly [number, number, number], length: number, voxels: Voxels): number[] {
  const out = new Array<number>(length).fill(0);
  for (const [i, name] of Object.keys(voxels).sort().entries()) {
    const at = voxels[name] as readonly number[];
    for (let k = 0; k < at.length; k += 3) {
      out[((at[k] as number) * rows + (at[k + 1] as number)) * columns + (at[k + 2] as number)] = i + 1;
    }
  }
  return out;
}

function toVoxels([, rows, columns]: readonly number[], values: readonly number[], value: number): readonly number[] {
  return values.flatMap((own, p) =>
    own === value ? [Math.floor(p / (rows * columns)), Math.floor(p / columns) % rows, p % columns] : [],
  );
}

/** `inspect` names the classes, and says how much of the pixels each has. */
function expectInspected(said: string, names: readonly string[], classes: readonly number[]): void {
  const known = classes.filter((value) => value !== IGNORE);
  const shares = names.map((name, i) => {
    const part = known.filter((value) => value === i).length / known.length;
    return `${name} ${(100 * part).toFixed(1)} %`;
  });
  expect(said).toContain(`fraction of pixels: ${shares.join(', ')}`);
}

/** Labels in a file of another program, on their image. */
async function readBack(labels: string, image: string): Promise<readonly number[]> {
  const out = join(dirname(image), 'read-back.tif');
  await convertLabels(nodeFiles, labels, out, { of: image, overwrite: true });
  const pixels = await pixelsOf(out);
  rmSync(out);
  return pixels;
}

const SIDE = 96;
const PLACE = 32;

/** Bright squares on noise, not in every place. */
function squares(seed: number): {
  readonly image: Image<'uint8'>;
  readonly labels: IntegerArray;
  readonly boxes: number[][];
} {
  const random = stream(seed, 'squares');
  const boxes: number[][] = [];
  for (let place = 0; place < (SIDE / PLACE) ** 2; place++) {
    const side = 12 + Math.floor(8 * random.uniform());
    const [y, x] = [Math.floor(place / 3), place % 3].map(
      (k) => PLACE * k + 2 + Math.floor((PLACE - side - 4) * random.uniform()),
    ) as [number, number];
    if (place % 4 !== seed % 4) boxes.push([y, x, side]);
  }
  const labels = new Uint16Array(SIDE * SIDE);
  for (const [i, [y, x, side]] of boxes.entries()) {
    for (let row = y; row < y + side; row++) labels.fill(i + 1, row * SIDE + x, row * SIDE + x + side);
  }
  const values = Uint8Array.from(labels, (label) => (label > 0 ? 170 : 70) + 10 * random.normal());
  return {
    image: { ...ndarray('uint8', [SIDE, SIDE], values), axes: 'yx', spacing: {} },
    labels: ndarray('uint16', [SIDE, SIDE], labels),
    boxes,
  };
}

/** Rectangles of a shapes layer, corner by corner. */
const napariShapes = (boxes: readonly (readonly number[])[]): string =>
  [
    'index,shape-type,vertex-index,axis-0,axis-1',
    ...boxes.flatMap(([y, x, side], i) => {
      const [bottom, right] = [y + side - 1, x + side - 1];
      const corners = [
        [y, x],
        [y, right],
        [bottom, right],
        [bottom, x],
      ] as const;
      return corners.map((corner, k) => `${i},rectangle,${k},${corner.join()}`);
    }),
  ].join('\n');

const NEW = { e: 5, f: 6 };

/** Images with labels in formats of several programs, and others to find objects in. */
function writeCells(folder: string): void {
  const [a, b, c, d] = [1, 2, 3, 4].map(squares) as [Squares, Squares, Squares, Squares];
  for (const [name, { image }] of Object.entries({ a, b, c, d }))
    write(join(folder, `cells/${name}.tif`), writeTiff(image));
  write(join(folder, 'cells/a_rois.zip'), writeRoiZip(outlineSlices(a.labels)));
  write(join(folder, 'cells/b.geojson'), writeGeoJson(outlineSlices(b.labels)));
  write(join(folder, 'cells/c_shapes.csv'), napariShapes(c.boxes));
  write(join(folder, 'cells/instances.json'), writeCoco([{ fileName: 'd.tif', labels: d.labels }]));
  for (const [name, seed] of Object.entries(NEW))
    write(join(folder, `more/${name}.tif`), writeTiff(squares(seed).image));
}
type Squares = ReturnType<typeof squares>;

const modelOf = (run: string) => readMetadata(readSignature(new Uint8Array(readFileSync(join(run, 'best.onnx')))));

/** All images of the data set are learned from, or held out. */
function expectTrained(run: string): void {
  const { trainingImages, validationImages } = parseConfig(readFileSync(join(run, 'config.json')), run);
  const images = [...trainingImages, ...validationImages].map((image) => JSON.stringify(image));
  for (const name of ['a', 'b', 'c', 'd'])
    expect(images.filter((image) => image.includes(`${name}.tif`))).toHaveLength(1);
  expect(modelOf(run)?.classes.slice(0, 2)).toMatchObject([{ name: 'background' }, { name: 'foreground' }]);
}

const countOf = (pixels: readonly number[]): number => new Set(pixels.filter((value) => value > 0)).size;

/** As many objects as squares, and most of their pixels. */
async function expectFound(predicted: string): Promise<void> {
  for (const [name, seed] of Object.entries(NEW)) {
    const { labels, boxes } = squares(seed);
    const found = await pixelsOf(join(predicted, `objects/${name}.tif`));
    expect(countOf(found), name).toBe(boxes.length);
    const right = found.filter((value, p) => value > 0 === Number(labels.data[p]) > 0).length;
    expect(right / found.length, name).toBeGreaterThan(0.95);
  }
}

/** What `measure` is given: label maps that are hard to carry over, and their images. */
function writeLabelMaps(folder: string, [height, width] = [60, 83] as readonly [number, number]): void {
  for (const [name, seed] of [
    ['a', 1],
    ['b', 2],
  ] as const) {
    const labels = crowdedLabels(height, width, 25, seed);
    write(join(folder, `labels/${name}.tif`), writeLabelTiff(labels, { axes: 'yx', spacing: {} }));
    write(join(folder, `images/${name}.tif`), writeTiff(grey(height, width, 7 + seed)));
  }
}

/** Every pixel of every object comes back. */
const expectMeasured =
  (file: string): Check =>
  async (folder) => {
    const [labels, back] = await Promise.all([
      pixelsOf(join(folder, 'labels/a.tif')),
      readBack(join(folder, file), join(folder, 'images/a.tif')),
    ]);
    expect(back).toEqual(labels);
    expect(countOf(back)).toBeGreaterThan(15);
  };

/** Regions as ImageJ wrote them, with the pixels that it fills. */
const ROIS = ['rectangle', 'oval 9', 'polygon 3', 'traced'];
const rois = golden('imagej_rois.json') as {
  readonly size: number;
  readonly cases: readonly { readonly name: string; readonly roi: string; readonly runs: Runs }[];
};
const ofImageJ = ROIS.map((name) => rois.cases.find((one) => one.name === name) as (typeof rois.cases)[number]);
const drawnInImageJ = painted(
  [rois.size, rois.size],
  ofImageJ.map(({ runs }) => runs),
  [1, 2, 3, 4],
);

const shapely = golden('shapes.json') as {
  readonly size: number;
  readonly shapes: readonly { readonly geometry: object; readonly runs: Runs }[];
  readonly cellpose: Readonly<Record<string, string>>;
  readonly masks: readonly number[];
};
const annotations = shapely.shapes.slice(0, 5);

const napari = golden('napari-shapes/labels.json').flat as {
  readonly shape: readonly [number, number];
  readonly labels: readonly number[];
};

/** Values of lungs in a scan of this size: two balls. */
const lungAt = ([slices, rows, columns]: readonly number[]): readonly number[] =>
  Array.from({ length: slices * rows * columns }, (_, p) => {
    const [z, y, x] = [Math.floor(p / (rows * columns)), Math.floor(p / columns) % rows, p % columns];
    return z > 0 && Math.hypot(y - rows / 2, (x % (columns / 2)) - columns / 4) < 2 ? 1 : 0;
  });

/** A lung mask beside a series, and a model that takes what is denser than water for lung. */
async function writeLungs(folder: string): Promise<void> {
  const { axes, shape, spacing, geometry } = await readImageFile(join(folder, 'patient7'));
  const mask: Image = { ...ndarray('uint8', shape, Uint8Array.from(lungAt(shape))), axes, spacing, geometry };
  write(join(folder, 'lungs.nii.gz'), writeNifti(mask));
  write(join(folder, 'runs/lungs/best.onnx'), brightnessModel(['background', 'lung'], [-500, 501]));
}

const denseIn = async (folder: string) => {
  const { data, shape } = await readImageFile(join(folder, 'patient7'));
  return { shape, lung: [...data].map((value) => Number(Number(value) > 0)) };
};

const onlyFile = (folder: string): string => {
  const files = readdirSync(folder);
  expect(files).toHaveLength(1);
  return join(folder, files[0] as string);
};

/** What slicerio, or highdicom, finds in a segmentation. @param series that it is of */
function foundIn(
  folder: string,
  file: string,
  series: string,
): { readonly names: readonly string[]; readonly voxels: Voxels } {
  const place = join(folder, 'read');
  cpSync(join(folder, series), join(place, 'scan'), {
    recursive: true,
    filter: (path) => !/(segments|contours)\.dcm$/.test(path),
  });
  const name = `scan${file.endsWith('.dcm') ? '.dcm' : '.seg.nrrd'}`;
  cpSync(file, join(place, name));
  const found = askPeerOf<Record<string, never>>('labels', 'read_segments.py', place);
  rmSync(place, { recursive: true });
  return found[name] as never;
}

const expectPredictedLungs: Check = async (folder) => {
  const { shape, lung } = await denseIn(folder);
  const { names, voxels } = foundIn(folder, onlyFile(join(folder, 'pred/label')), 'patient7');
  expect([names, voxels]).toEqual([['lung'], { lung: toVoxels(shape, lung, 1) }]);
};

const expectConvertedLungs =
  (file: string): Check =>
  async (folder) => {
    const { shape } = await denseIn(folder);
    const { names, voxels } = foundIn(folder, join(folder, file), 'patient7');
    expect([names, voxels]).toEqual([['lung'], { lung: toVoxels(shape, lungAt(shape), 1) }]);
  };

interface Ilastik {
  readonly painted: Readonly<Record<string, readonly number[]>>;
}
/** Ilastik's numbers of nucleus, background and rim as classes by name; 0 is not painted. */
const IN_ILASTIK = [IGNORE, 2, 1, 3] as const;

/** What peers were given, by the folder of a walk. */
const given = new Map<string, unknown>();
const remember = (folder: string, what: unknown): void => void given.set(folder, what);
const givenTo = <T>(folder: string): T => given.get(folder) as T;

const SEGMENTED = [7, 13, 18] as const;
const CONTOURED = [6, 24, 31] as const;
const VOLUME = [5, 11, 9] as const;
const lengthOf = ([z, y, x]: readonly [number, number, number]): number => z * y * x;

const decathlon = (p: number): number => (p % 7 === 0 ? 1 : p % 11 === 0 ? 2 : 0);

export const WALKS: readonly Walk[] = [
  {
    section: 'Other programs, both ways',
    of: 'ImageJ, QuPath, napari and COCO together',
    prepare: writeCells,
    commands: {
      'lamella train cells --steps 100 --out runs/cells': (folder) => expectTrained(join(folder, 'runs/cells')),
      'lamella predict runs/cells more --objects --out pred': (folder) => expectFound(join(folder, 'pred')),
      'lamella measure pred --format csv,roi,geojson,coco': async (folder) => {
        const at = (name: string): string => join(folder, 'pred', name);
        const rows = readFileSync(at('measures/objects.csv'), 'utf8').trim().split('\n').slice(1);
        for (const name of Object.keys(NEW)) {
          const found = await pixelsOf(at(`objects/${name}.tif`));
          expect(rows.filter((row) => row.startsWith(`${name},`))).toHaveLength(countOf(found));
          for (const file of [`roi/${name}.zip`, `geojson/${name}.geojson`, 'coco.json']) {
            expect(await readBack(at(`measures/${file}`), join(folder, `more/${name}.tif`)), file).toEqual(found);
          }
        }
      },
    },
  },
  {
    section: 'Fiji, ImageJ',
    of: 'ImageJ and Lamella',
    prepare: (folder) => {
      const zipped = ofImageJ.map(({ roi }, i) => [`${i}.roi`, new Uint8Array(Buffer.from(roi, 'base64'))] as const);
      write(join(folder, 'cells/cells.tif'), writeTiff(grey(rois.size, rois.size)));
      write(join(folder, 'cells/cells_rois.zip'), zipSync(Object.fromEntries(zipped)));
      writeLabelMaps(folder);
    },
    commands: {
      'lamella inspect cells': (_, said) => {
        expect(said).toContain('shapes: 4 without a class in 1 file, as objects');
        expectInspected(
          said,
          ['background', 'foreground'],
          drawnInImageJ.map((value) => Math.min(value, 1)),
        );
      },
      'lamella convert cells/cells_rois.zip labels.tif --of cells/cells.tif': async (folder) => {
        expect(await pixelsOf(join(folder, 'labels.tif'))).toEqual(drawnInImageJ);
        expect(countOf(drawnInImageJ)).toBe(4);
      },
      'lamella measure labels/a.tif --images images/a.tif --out m --format roi': expectMeasured('m/roi/a.zip'),
    },
  },
  {
    section: 'QuPath',
    of: 'shapely and Lamella',
    prepare: (folder) => {
      const features = annotations.map(({ geometry }, i) => {
        const classification =
          i % 2 === 0 ? { name: 'Tumor', color: [200, 0, 0] } : { name: 'Stroma', color: [150, 200, 150] };
        return { type: 'Feature', geometry, properties: { objectType: 'annotation', classification } };
      });
      write(join(folder, 'cells.geojson'), JSON.stringify({ type: 'FeatureCollection', features }));
      write(join(folder, 'cells.tif'), writeTiff(grey(shapely.size, shapely.size)));
      writeLabelMaps(folder);
    },
    commands: {
      'lamella convert cells.geojson labels.tif --of cells.tif': async (folder, said) => {
        const runs = annotations.map((one) => one.runs);
        const expected = painted(
          [shapely.size, shapely.size],
          runs,
          annotations.map((_, i) => 2 - (i % 2)),
        );
        expect(await pixelsOf(join(folder, 'labels.tif'))).toEqual(expected);
        expect(countOf(expected)).toBe(2);
        expect(said).toContain('labels.tif: classes: Stroma, Tumor');
        expect(said).toContain('Values: 0 is background, 1 is Stroma, 2 is Tumor.');
      },
      'lamella measure labels/a.tif --images images/a.tif --out m --format geojson':
        expectMeasured('m/geojson/a.geojson'),
    },
  },
  {
    section: 'napari',
    of: 'napari',
    prepare: (folder) => {
      cpSync('test/golden/napari-shapes/flat.csv', join(folder, 'cells_shapes.csv'));
      write(join(folder, 'cells.tif'), writeTiff(grey(...napari.shape)));
    },
    commands: {
      'lamella convert cells_shapes.csv labels.tif --of cells.tif': async (folder) => {
        expect(await pixelsOf(join(folder, 'labels.tif'))).toEqual(napari.labels);
        expect(countOf(napari.labels)).toBeGreaterThan(5);
      },
    },
  },
  {
    section: '3D Slicer',
    of: 'slicerio',
    needsPeers: true,
    prepare: (folder) => {
      const made = join(folder, 'made');
      mkdirSync(made);
      remember(folder, askPeerOf<Record<string, Voxels>>('labels', 'write_segnrrd.py', made)['one layer']);
      cpSync(join(made, 'one layer'), join(folder, 'scan'), { recursive: true });
    },
    commands: {
      'lamella inspect scan': (folder, said) => {
        const voxels = ofVoxels(VOLUME, lengthOf(VOLUME), givenTo(folder));
        expectInspected(said, ['background', 'Left lung', 'Tumour'], voxels);
      },
      'lamella convert scan/scan.seg.nrrd scan.nii.gz --of scan/scan.nrrd': async (folder, said) => {
        expect(await pixelsOf(join(folder, 'scan.nii.gz'))).toEqual(
          ofVoxels(VOLUME, lengthOf(VOLUME), givenTo(folder)),
        );
        expect(said).toContain('Values: 0 is background, 1 is Left lung, 2 is Tumour.');
        const [scan, labels] = await Promise.all(
          ['scan/scan.nrrd', 'scan.nii.gz'].map((name) => readImageFile(join(folder, name))),
        );
        expect(labels?.geometry?.originMm).toEqual(scan?.geometry?.originMm);
      },
    },
  },
  {
    section: '3D Slicer',
    of: 'Lamella, read by slicerio',
    needsPeers: true,
    prepare: async (folder) => {
      writeScan(join(folder, 'patient7'));
      await writeLungs(folder);
    },
    commands: {
      'lamella predict runs/lungs ./patient7 --out ./pred --format seg-nrrd': expectPredictedLungs,
      'lamella convert lungs.nii.gz lungs.seg.nrrd --classes background,lung': expectConvertedLungs('lungs.seg.nrrd'),
    },
  },
  {
    section: 'OHIF, PACS',
    of: 'highdicom, and Lamella, read by highdicom',
    needsPeers: true,
    prepare: async (folder) => {
      const made = join(folder, 'made');
      mkdirSync(made);
      remember(folder, askPeerOf<Record<string, Voxels>>('labels', 'write_seg.py', made).binary);
      cpSync(join(made, 'binary'), join(folder, 'patient7'), { recursive: true });
      await writeLungs(folder);
    },
    commands: {
      'lamella inspect patient7': (folder, said) => {
        const voxels = ofVoxels(SEGMENTED, lengthOf(SEGMENTED), givenTo(folder));
        expectInspected(said, ['background', 'Left lung', 'Tumour'], voxels);
      },
      'lamella predict runs/lungs ./patient7 --out ./pred --format dicom-seg': expectPredictedLungs,
      'lamella convert lungs.nii.gz lungs.dcm --of ./patient7 --classes background,lung':
        expectConvertedLungs('lungs.dcm'),
    },
  },
  {
    section: 'OHIF, PACS',
    of: 'pydicom (RTSTRUCT)',
    needsPeers: true,
    prepare: (folder) => {
      const made = join(folder, 'made');
      mkdirSync(made);
      remember(folder, askPeerOf<Record<string, Voxels>>('labels', 'write_rtstruct.py', made).axial);
      cpSync(join(made, 'axial'), join(folder, 'patient7'), { recursive: true });
      cpSync(join(made, 'axial/contours.dcm'), join(folder, 'rtstruct.dcm'));
    },
    commands: {
      'lamella inspect patient7': (folder, said) => {
        const regions = ['background', 'Keyhole µ', 'Lung', 'Ring'];
        expectInspected(said, regions, ofVoxels(CONTOURED, lengthOf(CONTOURED), givenTo(folder)));
      },
      'lamella convert rtstruct.dcm regions.seg.nrrd --of ./patient7': (folder, said) => {
        expect(said).toContain('regions.seg.nrrd: classes: Keyhole µ, Lung, Ring');
        const { 'Keyhole µ': keyhole, ...others } = givenTo<Voxels>(folder);
        // pynrrd reads headers as ASCII.
        expect(foundIn(folder, join(folder, 'regions.seg.nrrd'), 'patient7').voxels).toEqual({
          Keyhole: keyhole,
          ...others,
        });
      },
    },
  },
  {
    section: 'ilastik',
    of: 'h5py, and Lamella, read by h5py',
    needsPeers: true,
    prepare: (folder) => {
      const made = join(folder, 'made');
      mkdirSync(made);
      remember(folder, askPeerOf<Ilastik>('labels', 'write_ilastik.py', made).painted);
      cpSync(join(made, 'project'), join(folder, 'project'), { recursive: true });
      write(join(folder, 'more/a.png'), writePng(grey(20, 30)));
      write(join(folder, 'runs/cells/best.onnx'), brightnessModel(['background', 'nucleus'], [50, 151]));
      write(join(folder, 'pred/label/a.tif'), writeLabelTiff(crowdedLabels(20, 30, 12, 1), grey(20, 30)));
    },
    commands: {
      'lamella inspect project': (folder, said) => {
        const all = givenTo<Ilastik['painted']>(folder);
        const classes = ['a.png', 'b.png'].flatMap((name) => all[name]).map((value) => IN_ILASTIK[value] as number);
        // Names are in the order of the alphabet.
        const numbers = classes.map((value) => (value === IGNORE ? IGNORE : value - 1));
        expectInspected(said, ['background', 'nucleus', 'rim'], numbers);
        expect(said).toContain(`ignored: ${classes.filter((value) => value === IGNORE).length} pixels`);
      },
      'lamella convert project/cells.ilp strokes.tif --of project/a.png': async (folder, said) => {
        const strokes = givenTo<Ilastik['painted']>(folder)['a.png'] as readonly number[];
        expect(await pixelsOf(join(folder, 'strokes.tif'))).toEqual(strokes.map((value) => IN_ILASTIK[value]));
        expect(said).toContain('Values: 1 is background, 2 is nucleus, 3 is rim.');
      },
      'lamella predict runs/cells more --out for-ilastik --format hdf5': async (folder) => {
        const nuclei = [...grey(20, 30).data].map((value) => Number(value > 100));
        expectH5(join(folder, 'for-ilastik/label'), 'a.h5', nuclei, [20, 30]);
      },
      'lamella convert pred/label/a.tif a.h5': async (folder) => {
        expectH5(folder, 'a.h5', await pixelsOf(join(folder, 'pred/label/a.tif')), [20, 30]);
      },
    },
  },
  {
    section: 'CVAT, Label Studio',
    of: 'pycocotools and Lamella',
    needsPeers: true,
    prepare: (folder) => {
      const made = join(folder, 'made');
      mkdirSync(made);
      remember(folder, askPeerOf<Record<string, readonly Runs[]>>('labels', 'write_coco.py', made)['data set']);
      const text = readFileSync(join(made, 'data/annotations/instances_default.json'), 'utf8');
      write(join(folder, 'instances.json'), text.replaceAll('a.jpg', 'a.png'));
      writeLabelMaps(folder);
      for (const name of ['a', 'b']) {
        rmSync(join(folder, `images/${name}.tif`));
        write(join(folder, `images/${name}.png`), writePng(grey(60, 83)));
      }
    },
    commands: {
      'lamella convert instances.json labels.tif --of images/a.png': async (folder, said) => {
        const runs = givenTo<readonly Runs[]>(folder);
        expect(await pixelsOf(join(folder, 'labels.tif'))).toEqual(painted([60, 83], runs, [2, 1, 2, 2]));
        expect(said).toContain('Values: 0 is background, 1 is mitosis, 2 is nucleus.');
      },
      'lamella measure labels --images images --out m --format coco': async (folder) => {
        for (const name of ['a', 'b']) {
          const labels = await pixelsOf(join(folder, `labels/${name}.tif`));
          expect(await readBack(join(folder, 'm/coco.json'), join(folder, `images/${name}.png`))).toEqual(labels);
        }
      },
    },
  },
  {
    section: 'Cellpose',
    of: 'NumPy',
    prepare: (folder) => {
      write(join(folder, 'cells_seg.npy'), Buffer.from(shapely.cellpose['numpy 2, protocol 4'] as string, 'base64'));
      write(join(folder, 'cells.tif'), writeTiff(grey(6, 8)));
    },
    commands: {
      'lamella convert cells_seg.npy masks.tif --of cells.tif': async (folder) => {
        expect(await pixelsOf(join(folder, 'masks.tif'))).toEqual(shapely.masks);
        expect(countOf(shapely.masks)).toBe(2);
      },
    },
  },
  {
    section: 'MONAI',
    of: 'the exporter of PyTorch, on a U-Net of MONAI',
    prepare: (folder) => {
      const [z, y, x] = [2, 24, 28] as const;
      const volume = (axes: string, shape: readonly number[], value: (p: number) => number): Image => ({
        ...ndarray(
          'uint8',
          shape,
          Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, p) => value(p)),
        ),
        ...{ axes, spacing: {} },
      });
      const image = volume('tzyx', [2, z, y, x], (p) => (p * 7) % 251);
      write(join(folder, 'decathlon/imagesTr/a.nii.gz'), writeNifti(image));
      write(join(folder, 'decathlon/labelsTr/a.nii.gz'), writeNifti(volume('zyx', [z, y, x], decathlon)));
      const content = {
        ...{ name: 'Prostate', modality: { 0: 'T2', 1: 'ADC' }, labels: { 0: 'background', 1: 'PZ', 2: 'TZ' } },
        ...{ numTraining: 1, numTest: 0, test: [] },
        training: [{ image: './imagesTr/a.nii.gz', label: './labelsTr/a.nii.gz' }],
      };
      write(join(folder, 'decathlon/dataset.json'), JSON.stringify(content));
      writeCells(folder);
      writeMonaiNetwork(folder);
    },
    commands: {
      'lamella inspect decathlon': (_, said) => {
        expectInspected(
          said,
          ['background', 'PZ', 'TZ'],
          Array.from({ length: 2 * 24 * 28 }, (_none, p) => decathlon(p)),
        );
        expect(said).toContain('T2, ADC');
      },
      'lamella train cells --from monai.onnx --steps 100 --out runs/monai': (folder, said) => {
        expectTrained(join(folder, 'runs/monai'));
        expect(said).toContain('training on from monai.onnx: all weights are kept');
        expect(modelOf(join(folder, 'runs/monai'))?.provenance).toMatchObject({ from: 'monai.onnx' });
      },
      'lamella predict runs/monai more --objects': (folder) => expectFound(join(folder, 'runs/monai/pred')),
      'lamella export runs/monai --bioimageio cells.zip': (folder) => {
        const { 'rdf.yaml': text, 'weights.onnx': weights } = unzipSync(
          new Uint8Array(readFileSync(join(folder, 'cells.zip'))),
        );
        const { outputs } = JSON.parse(strFromU8(text as Uint8Array));
        expect(outputs[0].axes[1].channel_names).toEqual(['background', 'foreground']);
        expect(Buffer.from(weights as Uint8Array)).toEqual(readFileSync(join(folder, 'runs/monai/best.onnx')));
      },
    },
  },
  {
    section: 'nnU-Net',
    of: 'Lamella',
    prepare: (folder) => {
      const at = (name: string): string => join(folder, 'Dataset001_Cells', name);
      for (const name of ['a', 'b']) {
        for (const channel of [0, 1])
          write(at(`imagesTr/${name}_000${channel}.png`), writePng(grey(24, 28, 5 + channel)));
        write(at(`labelsTr/${name}.png`), writePng({ ...grey(24, 28), data: inNnunet }));
      }
      const labels = { background: 0, nucleus: 1, 'cell wall': 2, ignore: 3 };
      const content = { channel_names: { 0: 'DAPI', 1: 'GFP' }, labels, numTraining: 2, file_ending: '.png' };
      write(at('dataset.json'), JSON.stringify(content));
      const own = crowdedLabels(30, 40, 10, 3);
      const classes = new Map(Array.from({ length: 10 }, (_, i) => [i + 1, i % 2 === 0 ? 'T cell' : 'B cell']));
      write(join(folder, 'my-data/images/a.tif'), writeTiff(grey(30, 40)));
      write(join(folder, 'my-data/labels/a.geojson'), writeGeoJson(outlineSlices(own), { classification: classes }));
      remember(
        folder,
        [...own.data].map((value) => (Number(value) === 0 ? 0 : Number(value) % 2 === 1 ? 2 : 1)),
      );
    },
    commands: {
      'lamella inspect Dataset001_Cells': (_, said) => {
        const classes = [...inNnunet, ...inNnunet].map((value) => (value === 3 ? IGNORE : value));
        expectInspected(said, ['background', 'nucleus', 'cell wall'], classes);
        expect(said).toContain('DAPI, GFP');
      },
      'lamella convert ./my-data --nnunet Dataset002_Cells': async (folder) => {
        const at = (name: string): string => join(folder, 'Dataset002_Cells', name);
        expect(JSON.parse(readFileSync(at('dataset.json'), 'utf8')).labels).toEqual({
          background: 0,
          'B cell': 1,
          'T cell': 2,
        });
        expect(await pixelsOf(at('labelsTr/a.png'))).toEqual(givenTo(folder));
        expect(await pixelsOf(at('imagesTr/a_0000.png'))).toEqual([...grey(30, 40).data]);
      },
    },
  },
];

/** With 3 for what is ignored. */
const inNnunet = Uint8Array.from({ length: 24 * 28 }, (_, p) =>
  p % 5 === 0 ? 1 : p % 7 === 0 ? 2 : p % 13 === 0 ? 3 : 0,
);

/** By h5py: the only file of a folder, or the one of a name. */
function expectH5(folder: string, name: string, values: readonly number[], shape: readonly number[]): void {
  const said = askPeerOf<Record<string, { axes: string; shape: readonly number[]; values: readonly string[] }>>(
    'labels',
    'read_hdf5.py',
    folder,
  )[name];
  expect([said?.axes, said?.shape]).toEqual(['yx', shape]);
  expect(said?.values.map(Number)).toEqual(values);
}

/** As MONAI's U-Net is exported (scripts/golden/monai_unet.py): weights lie beside it, and are drawn here. */
function writeMonaiNetwork(folder: string): void {
  const bytes = new Uint8Array(readFileSync('test/golden/monai-unet.onnx'));
  const random = stream(11, 'weights');
  const drawn: Float32Array[] = [];
  let offset = 0;
  for (const { dataType, externalData } of fromBinary(ModelProtoSchema, bytes).graph?.initializer ?? []) {
    const place = Object.fromEntries(externalData.map(({ key, value }) => [key, value]));
    if (place.location === undefined) continue;
    expect([place.location, dataType, Number(place.offset ?? 0)]).toEqual(['monai.onnx.data', FLOAT, offset]);
    const weights = Float32Array.from({ length: Number(place.length) / 4 }, () => random.normal() / 8);
    drawn.push(weights);
    offset += weights.byteLength;
  }
  write(join(folder, 'monai.onnx'), bytes);
  write(join(folder, 'monai.onnx.data'), Buffer.concat(drawn.map(({ buffer }) => new Uint8Array(buffer))));
}
/** The number of float32 in ONNX. */
const FLOAT = 1;
