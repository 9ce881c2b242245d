/** DICOM segmentations that are written, as dcmjs reads them, the library of OHIF. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import dcmjs from 'dcmjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Image } from '../../src/image/image.ts';
import { nodeHost } from '../../src/platform/node/host.ts';
import { convertLabels } from '../../src/workflows/convert-labels.ts';
import { readImageFile, writeImageFile } from '../../src/workflows/image-files.ts';
import { COLUMNS, ROWS, SLICES, writeScan } from '../support/scan.ts';

const { files } = nodeHost;
const folder = mkdtempSync(join(tmpdir(), 'lamella-segments-dcmjs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const PLANE = ROWS * COLUMNS;

interface Reference {
  readonly ReferencedSOPInstanceUID: string;
}
interface SegmentItem {
  readonly SegmentNumber: number;
  readonly SegmentLabel: string;
}
interface FrameItem {
  readonly PlanePositionSequence: { readonly ImagePositionPatient: readonly number[] };
  readonly DerivationImageSequence: { readonly SourceImageSequence: Reference };
  readonly SegmentIdentificationSequence?: { readonly ReferencedSegmentNumber: number };
}
interface Segmentation {
  readonly SOPClassUID: string;
  readonly SegmentationType: string;
  readonly Rows: number;
  readonly Columns: number;
  readonly NumberOfFrames: number;
  readonly BitsAllocated: number;
  readonly SegmentSequence: SegmentItem | readonly SegmentItem[];
  readonly PerFrameFunctionalGroupsSequence: FrameItem | readonly FrameItem[];
  readonly PixelData: readonly ArrayBuffer[];
}

const listOf = <T>(items: T | readonly T[]): readonly T[] => (Array.isArray(items) ? items : [items as T]);

function read<T>(path: string): T {
  const { dict } = dcmjs.data.DicomMessage.readFile(new Uint8Array(readFileSync(path)).buffer);
  return dcmjs.data.DicomMetaDictionary.naturalizeDataset(dict) as T;
}

interface Slice {
  readonly SOPInstanceUID: string;
  readonly ImagePositionPatient: readonly number[];
}

/** Instances of the series by slice, from the lowest position on. */
const slices = (): readonly Slice[] =>
  Array.from({ length: SLICES }, (_, i) => read<Slice>(at(`scan/${i}.dcm`))).sort(
    (a, b) => (a.ImagePositionPatient[2] as number) - (b.ImagePositionPatient[2] as number),
  );

/** The volume of the labels, by the names of segments and the places that dcmjs finds: each voxel its segment's name. */
function voxelsOf(path: string): { readonly seg: Segmentation; readonly voxels: readonly string[] } {
  const seg = read<Segmentation>(path);
  const series = slices();
  const names = new Map(listOf(seg.SegmentSequence).map((item) => [item.SegmentNumber, item.SegmentLabel]));
  const frames = listOf(seg.PerFrameFunctionalGroupsSequence);
  expect(frames.length).toBe(seg.NumberOfFrames);
  const [bytes] = seg.PixelData as readonly [ArrayBuffer];
  const values =
    seg.BitsAllocated === 1
      ? dcmjs.data.BitArray.unpack(bytes)
      : seg.BitsAllocated === 8
        ? new Uint8Array(bytes)
        : new Uint16Array(bytes);
  expect(values.length).toBeGreaterThanOrEqual(frames.length * PLANE);
  const voxels = new Array<string>(SLICES * PLANE).fill('');
  for (const [i, frame] of frames.entries()) {
    const uid = frame.DerivationImageSequence.SourceImageSequence.ReferencedSOPInstanceUID;
    const z = series.findIndex(({ SOPInstanceUID }) => SOPInstanceUID === uid);
    expect(frame.PlanePositionSequence.ImagePositionPatient).toEqual(series[z]?.ImagePositionPatient);
    const segment = frame.SegmentIdentificationSequence?.ReferencedSegmentNumber;
    for (let p = 0; p < PLANE; p++) {
      const value = values[i * PLANE + p] as number;
      if (value === 0) continue;
      expect(voxels[z * PLANE + p]).toBe('');
      voxels[z * PLANE + p] = names.get(segment ?? value) as string;
    }
  }
  return { seg, voxels };
}

beforeAll(async () => {
  writeScan(at('scan'));
  const { axes, shape, spacing, geometry } = await readImageFile(files, at('scan'));
  const place = { axes, shape, spacing, geometry };
  const draw = (name: string, labelKind: Image['labelKind'], valueAt: (p: number) => number) =>
    writeImageFile(files, at(name), {
      ...{ dtype: 'uint16', labelKind, ...place },
      data: Uint16Array.from({ length: SLICES * PLANE }, (_, p) => valueAt(p)),
    });
  // No frame of the first slice, and one of the last that has a single pixel.
  await draw('classes.nii.gz', 'classes', (p) =>
    p < PLANE ? 0 : p === SLICES * PLANE - 1 ? 4 : p % 5 === 0 ? 1 : p % 7 === 3 ? 4 : 0,
  );
  await draw('few.nii.gz', 'objects', (p) => (p % 11 === 0 ? 1 + Math.floor(p / PLANE) : 0));
  await draw('many.nii.gz', 'objects', (p) => (p % 13 === 5 ? 0 : p));
});

const expected = async (name: string, nameOf: (value: number) => string): Promise<readonly string[]> =>
  [...(await readImageFile(files, at(name))).data].map((value) => (Number(value) === 0 ? '' : nameOf(Number(value))));

it('binary: every voxel of every class', async () => {
  const classes = [
    { name: 'background', values: [0] },
    { name: 'Left lung', values: [1] },
    { name: 'tumour', values: [4] },
  ];
  await convertLabels(files, at('classes.nii.gz'), at('classes.dcm'), { of: at('scan'), classes });
  const { seg, voxels } = voxelsOf(at('classes.dcm'));
  expect(seg).toMatchObject({ SegmentationType: 'BINARY', Rows: ROWS, Columns: COLUMNS, BitsAllocated: 1 });
  expect(listOf(seg.SegmentSequence)).toMatchObject([
    { SegmentNumber: 1, SegmentLabel: 'Left lung' },
    { SegmentNumber: 2, SegmentLabel: 'tumour' },
  ]);
  expect(seg.NumberOfFrames).toBe(2 * (SLICES - 1));
  expect(voxels).toEqual(await expected('classes.nii.gz', (value) => (value === 1 ? 'Left lung' : 'tumour')));
});

it.each([
  ['few', 8],
  ['many', 16],
])('label map, %s objects: every voxel in %i bits', async (name, bits) => {
  await convertLabels(files, at(`${name}.nii.gz`), at(`${name}.dcm`), { of: at('scan') });
  const { seg, voxels } = voxelsOf(at(`${name}.dcm`));
  expect(seg).toMatchObject({ SegmentationType: 'LABELMAP', BitsAllocated: bits, NumberOfFrames: SLICES });
  expect(voxels).toEqual(await expected(`${name}.nii.gz`, (value) => `object ${value}`));
});
