/** Names of classes, from the labels of every program that has them to the files of every program that takes them. */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strFromU8, unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../src/array/ndarray.ts';
import { findMapping } from '../../src/dataset/labels/labels.ts';
import { readDataset } from '../../src/dataset/prepare.ts';
import { labelOptions } from '../../src/dataset/raw.ts';
import { writeGeoJson } from '../../src/export/geojson.ts';
import { encodeRoi } from '../../src/export/imagej-roi.ts';
import { outlineSlices } from '../../src/export/outlined-slices.ts';
import { readSignature } from '../../src/graph/onnx/model.ts';
import { writePng } from '../../src/image/formats/png/write.ts';
import { writeTiff } from '../../src/image/formats/tiff/write.ts';
import type { Image } from '../../src/image/image.ts';
import { readMetadata } from '../../src/models/metadata.ts';
import { toPolygons } from '../../src/objects/polygons.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { readImageFile, writeImageFile } from '../../src/platform/node/image-files.ts';
import { type TrainRunOptions, trainRun } from '../../src/platform/node/train-run.ts';
import { convertLabels } from '../../src/workflows/convert-labels.ts';
import { convertToNnunet } from '../../src/workflows/convert-nnunet.ts';
import { exportBioImageIo } from '../../src/workflows/export-model.ts';
import { inspect } from '../../src/workflows/inspect.ts';
import { measureFolder } from '../../src/workflows/measure/measure.ts';
import { type PredictedFile, predictFolder } from '../../src/workflows/predict.ts';
import { readPredictionFile } from '../../src/workflows/prediction-file.ts';
import { network, newDescription, image as ofPackage } from '../support/bioimageio-package.ts';
import { brightnessModel } from '../support/brightness-model.ts';
import { askPeerOf, describeWithPeers } from '../support/peers.ts';
import { writeScan } from '../support/scan.ts';

const { files } = nodeHost;
const root = mkdtempSync(join(tmpdir(), 'lamella-class-names-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** As people write them: with a comma, letters beyond ASCII, blanks, dashes. In the order of the alphabet. */
const [A, B] = ['B cell, Größe µ', 'T-Zelle 2'] as const;
const NAMES = ['background', A, B] as const;

const SIDE = 32;
/** Background, a band of each class. */
const valueAt = (p: number): number => (p % SIDE < 10 ? 1 : p % SIDE > 20 ? 2 : 0);
const picture = (value: (p: number) => number): Image<'uint8'> => ({
  ...ndarray(
    'uint8',
    [SIDE, SIDE],
    Uint8Array.from({ length: SIDE * SIDE }, (_, p) => value(p)),
  ),
  axes: 'yx',
  spacing: {},
});
const cells = picture((p) => 60 + 70 * valueAt(p) + (p % 7));
const labels = picture(valueAt);
const outlines = outlineSlices(labels);
const classOf = new Map([
  [1, A],
  [2, B],
]);

function write(file: string, content: Uint8Array | string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

/** A region with the number of a group, which is all that its file says of it. */
function grouped(group: number): Uint8Array {
  const bytes = encodeRoi(toPolygons(labels)[group - 1] as ReturnType<typeof toPolygons>[number], { name: `${group}` });
  const secondHeader = new DataView(bytes.buffer).getInt32(60);
  bytes[secondHeader + 30] = group;
  return bytes;
}

const scanLabels = async (series: string): Promise<Image> => {
  const { axes, shape, spacing, geometry } = await readImageFile(series);
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Uint8Array.from({ length: size }, (_, p) => (p % 9 < 3 ? 1 : p % 9 > 5 ? 2 : 0));
  return { ...ndarray('uint8', shape, values), axes, spacing, geometry };
};
const named = NAMES.map((name, i) => ({ name, values: [i] }));

interface Source {
  /** Writes a data set into `data`, and what a model of it predicts into `new`. */
  readonly write: (at: (name: string) => string) => Promise<void> | void;
  /** What the format can hold. */
  readonly names?: readonly string[];
  readonly settings?: (at: (name: string) => string) => Partial<TrainRunOptions>;
  /** Where the names are not in the data set but in the model that is trained on. */
  readonly isNamedByModel?: boolean;
}

const withNew =
  (writeData: (at: (name: string) => string) => void): Source['write'] =>
  (at) => {
    writeData(at);
    write(at('new/x.png'), writePng(cells));
  };

const SOURCES: Readonly<Record<string, Source>> = {
  'names given by the user': {
    write: withNew((at) => {
      write(at('data/images/a.png'), writePng(cells));
      write(at('data/labels/a.png'), writePng(labels));
    }),
    settings: () => ({ classes: named }),
    isNamedByModel: true,
  },
  'dataset.json of nnU-Net': {
    write: withNew((at) => {
      write(at('data/imagesTr/a_0000.png'), writePng(cells));
      write(at('data/labelsTr/a.png'), writePng(labels));
      const values = { background: 0, [A]: 1, [B]: 2 };
      const content = { channel_names: { 0: 'x' }, labels: values, numTraining: 1, file_ending: '.png' };
      write(at('data/dataset.json'), JSON.stringify(content));
    }),
  },
  'dataset.json of the Decathlon': {
    write: withNew((at) => {
      write(at('data/imagesTr/a.png'), writePng(cells));
      write(at('data/labelsTr/a.png'), writePng(labels));
      const content = { modality: { 0: 'x' }, labels: { 0: 'background', 1: A, 2: B }, numTraining: 1 };
      write(at('data/dataset.json'), JSON.stringify(content));
    }),
  },
  'lamella.json': {
    write: withNew((at) => {
      write(at('data/a.png'), writePng(cells));
      write(at('data/a-labels.png'), writePng(picture((p) => 7 * valueAt(p))));
      const classes = NAMES.map((name, i) => ({ name, value: 7 * i }));
      const content = { version: 1, task: 'classes', classes, notAnnotated: 255 };
      write(
        at('data/lamella.json'),
        JSON.stringify({ ...content, images: [{ file: 'a.png', labels: 'a-labels.png' }] }),
      );
    }),
  },
  'GeoJSON of QuPath': {
    write: withNew((at) => {
      write(at('data/a.png'), writePng(cells));
      write(at('data/a.geojson'), writeGeoJson(outlines, { classification: classOf }));
    }),
  },
  'groups of ImageJ, which have numbers alone': {
    write: withNew((at) => {
      write(at('data/a.png'), writePng(cells));
      write(at('data/a_rois.zip'), zipSync({ '1.roi': grouped(1), '2.roi': grouped(2) }));
    }),
    names: ['background', 'group 1', 'group 2'],
  },
  COCO: {
    write: withNew((at) => {
      write(at('data/images/a.png'), writePng(cells));
      const box = (category_id: number, [from, to]: readonly [number, number]) => ({
        ...{ id: category_id, image_id: 1, category_id, iscrowd: 0, bbox: [from, 0, to - from, SIDE], area: 1 },
        segmentation: [[from, 0, to, 0, to, SIDE, from, SIDE]],
      });
      const content = {
        images: [{ id: 1, file_name: 'a.png', width: SIDE, height: SIDE }],
        categories: [...classOf].map(([id, name]) => ({ id, name })),
        annotations: [box(1, [0, 10]), box(2, [21, SIDE])],
      };
      write(at('data/instances.json'), JSON.stringify(content));
    }),
  },
  'XML of CVAT': {
    write: withNew((at) => {
      write(at('data/images/a.png'), writePng(cells));
      const box = (label: string, from: number, to: number) =>
        `<polygon label="${label}" points="${from},0;${to},0;${to},${SIDE};${from},${SIDE}" z_order="0"/>`;
      const head = `<?xml version="1.0" encoding="utf-8"?><annotations><image id="0" name="a.png" width="${SIDE}" height="${SIDE}">`;
      write(at('data/annotations.xml'), `${head}${box(A, 0, 10)}${box(B, 21, SIDE)}</image></annotations>`);
    }),
  },
  'masks of CVAT': {
    write: withNew((at) => {
      write(at('data/JPEGImages/a.png'), writePng(cells));
      write(at('data/SegmentationClass/a.png'), writePng(labels));
      write(at('data/labelmap.txt'), `background:0,0,0::\n${A}:1,2,3::\n${B}:4,5,6::\n`);
    }),
  },
  '.seg.nrrd of 3D Slicer': {
    write: async (at) => {
      writeScan(at('series'));
      mkdirSync(at('data'));
      await writeImageFile(at('data/scan.nii.gz'), await readImageFile(at('series')));
      await writeImageFile(at('labels.nii.gz'), await scanLabels(at('series')));
      await convertLabels(files, at('labels.nii.gz'), at('data/scan.seg.nrrd'), { classes: named });
      cpSync(at('data/scan.nii.gz'), at('new/x.nii.gz'));
    },
  },
  'DICOM segmentation': {
    write: async (at) => {
      writeScan(at('new'));
      await writeImageFile(at('labels.nii.gz'), await scanLabels(at('new')));
      cpSync(at('new'), at('data'), { recursive: true });
      await convertLabels(files, at('labels.nii.gz'), at('data/segments.dcm'), { of: at('new'), classes: named });
    },
  },
  'package of BioImage.IO, trained on': {
    write: (at) => {
      const onnx = network(3);
      const made = { outputs: 3, pre: [], post: [{ id: 'softmax', kwargs: { axis: 'channel' } }] };
      const rdf = JSON.stringify(newDescription(made, onnx));
      write(at('model.zip'), zipSync({ 'rdf.yaml': new TextEncoder().encode(rdf), 'weights.onnx': onnx }));
      write(at('data/images/a.tif'), writeTiff(ofPackage()));
      const classes = Uint8Array.from({ length: 48 * 48 }, (_, p) => p % 3);
      write(at('data/labels/a.png'), writePng({ ...ndarray('uint8', [48, 48], classes), axes: 'yx', spacing: {} }));
      write(at('new/x.tif'), writeTiff(ofPackage()));
    },
    names: ['membrane', 'nucleus', 'cytoplasm'],
    settings: (at) => ({ from: at('model.zip'), baseChannels: undefined, depth: undefined }),
    isNamedByModel: true,
  },
};

const SETTINGS = {
  ...{ steps: 1, batch: 1, seed: 1, workers: 0, device: 'cpu', augment: 'none' },
  ...{ baseChannels: 4, depth: 1, patch: [8, 8] },
} as const satisfies Partial<TrainRunOptions>;

/** What each station on the way from a data set to what its model finds calls the classes. */
async function stations(at: (name: string) => string, { settings = () => ({}), isNamedByModel }: Source) {
  const data = await readDataset(files, at('data'));
  const mapping = findMapping(
    data.pages.map(({ label }) => label),
    labelOptions(data),
  );
  const run = at('run');
  await trainRun(at('data'), { ...SETTINGS, ...settings(at), out: run });
  const metadata = readMetadata(readSignature(new Uint8Array(readFileSync(join(run, 'last.onnx')))));
  const { text } = await inspect(nodeHost, join(run, 'last.onnx'));
  const { images } = await predictFolder(nodeHost, [run], at('new'), {
    ...{ out: at('pred'), device: 'cpu', overlay: false, probability: 'none', format: 'seg-nrrd' },
  });
  const { label = '' } = images[0] as PredictedFile;
  const segments = [...strFromU8(new Uint8Array(readFileSync(label))).matchAll(/^Segment\d+_Name:=(.*)$/gm)];
  await exportBioImageIo(nodeHost, run, { bioimageio: at('package.zip') });
  const rdf = JSON.parse(
    strFromU8(unzipSync(new Uint8Array(readFileSync(at('package.zip'))))['rdf.yaml'] as Uint8Array),
  );
  const { labels: values } = isNamedByModel
    ? { labels: undefined }
    : await convertToNnunet(files, at('data'), at('nnunet'));
  return {
    ...(!isNamedByModel && {
      'data set': mapping.classes.map(({ name }) => name),
      'nnU-Net': Object.keys(values ?? {}).filter((name) => name !== 'ignore'),
    }),
    model: metadata?.classes.map(({ name }) => name),
    inspect: metadata?.classes.map(({ name }) => name).filter((name) => text.includes(name)),
    'prediction.json': (await readPredictionFile(files, at('pred')))?.classes,
    '.seg.nrrd': segments.map(([, name]) => name),
    'package: metadata': rdf.config.lamella.classes.map(({ name }: { name: string }) => name),
    'package: channels': rdf.outputs[0].axes[1].channel_names,
  };
}

/** Letters, digits and `_`. */
const asIdentifiers = (names: readonly string[]) => names.map((name) => name.replace(/[^A-Za-z0-9_]+/g, '_'));

const expectNames = (
  found: Awaited<ReturnType<typeof stations>>,
  names: readonly string[],
  {
    isNamedByModel,
    // What has the value 0 is none.
    segments = names.slice(1),
  }: Pick<Source, 'isNamedByModel'> & { readonly segments?: readonly string[] } = {},
) => {
  expect(found).toEqual({
    ...(!isNamedByModel && { 'data set': names, 'nnU-Net': names }),
    ...{ model: names, inspect: names, 'prediction.json': names },
    '.seg.nrrd': segments,
    ...{ 'package: metadata': names, 'package: channels': asIdentifiers(names) },
  });
};

let count = 0;
const place = () => {
  const folder = join(root, `${count++}`);
  mkdirSync(folder);
  return (name: string): string => join(folder, name);
};

describe('from labels to a model and what it finds', () => {
  test.each(Object.entries(SOURCES))('%s', async (_, source) => {
    const at = place();
    await source.write(at);
    expectNames(await stations(at, source), source.names ?? NAMES, source);
  });
});

describeWithPeers(
  'from what h5py writes',
  () => {
    test('a project of ilastik', async () => {
      const at = place();
      askPeerOf('labels', 'write_ilastik.py', at(''));
      cpSync(at('project'), at('data'), { recursive: true });
      write(at('new/x.png'), writePng(cells));
      // Of what is painted nothing is 0, the background neither.
      const painted = ['background', 'nucleus', 'rim'];
      expectNames(await stations(at, {} as Source), painted, { segments: painted });
    });
  },
  'labels',
);

describe('from a model to other programs', () => {
  const at = place();
  const predict = async (images: string, out: string, more: object = {}): Promise<PredictedFile> => {
    const options = {
      out: at(out),
      device: 'cpu',
      overlay: false,
      probability: 'none',
      objects: true,
      ...more,
    } as const;
    return (await predictFolder(nodeHost, [at('model.onnx')], images, options)).images[0] as PredictedFile;
  };
  beforeAll(async () => {
    write(at('model.onnx'), brightnessModel(NAMES, [63, 133, 203]));
    write(at('images/x.png'), writePng(cells));
    // Hounsfield units of -1024 to 975.
    write(at('scan.onnx'), brightnessModel(NAMES, [-700, 0, 700]));
    writeScan(at('scan'));
    await predict(at('images'), 'pred');
  });

  test('tables have a column, GeoJSON and COCO have the classes of objects', async () => {
    const out = at('measures');
    await measureFolder(nodeHost, at('pred'), {
      out,
      format: ['csv', 'parquet', 'geojson', 'coco', 'coco-rle'],
      report: false,
    });
    const json = (name: string) => JSON.parse(readFileSync(join(out, name), 'utf8'));
    const rows = readFileSync(join(out, 'objects.csv'), 'utf8').split('\n');
    expect(rows[0]).toMatch(/^image,class,label,/);
    expect(rows.slice(1, 3).map((row) => row.split(/,(?=\d)/)[0])).toEqual([`x,"${A}"`, `x,${B}`]);
    const features: readonly { properties: { classification?: { name: string } } }[] =
      json('geojson/x.geojson').features;
    expect(features.map(({ properties }) => properties.classification?.name)).toEqual([A, B]);
    for (const file of ['coco.json', 'coco-rle.json']) {
      expect(json(file).categories.map(({ name }: { name: string }) => name)).toEqual([A, B]);
    }
    // Both are labels again.
    for (const file of ['measures/geojson/x.geojson', 'measures/coco.json']) {
      const { names } = await convertLabels(files, at(file), at('back.tif'), {
        of: at('images/x.png'),
        overwrite: true,
      });
      expect(names, file).toEqual([A, B]);
    }
  });

  test.each(['dicom-seg', 'seg-nrrd'] as const)('%s', async (format) => {
    const options = { out: at(format), device: 'cpu', overlay: false, probability: 'none', format } as const;
    const { images } = await predictFolder(nodeHost, [at('scan.onnx')], at('scan'), options);
    const { label = '' } = images[0] as PredictedFile;
    const { names, kind } = await convertLabels(files, label, at(`${format}.nii.gz`), { of: at('scan') });
    expect([kind, names]).toEqual(['classes', [A, B]]);
    expect((await readPredictionFile(files, at(format)))?.classes).toEqual(NAMES);
  });

  test('a package, and what is predicted with it', async () => {
    await exportBioImageIo(nodeHost, at('model.onnx'), { bioimageio: at('model.zip') });
    await predictFolder(nodeHost, [at('model.zip')], at('images'), { out: at('by-package'), device: 'cpu' });
    expect((await readPredictionFile(files, at('by-package')))?.classes).toEqual(NAMES);
  });
});
