/** What `measure` writes of one image and of all. */

import { join } from 'node:path';
import { CocoFile } from '../../export/coco.ts';
import { writeCsv } from '../../export/csv.ts';
import { writeGeoJson } from '../../export/geojson.ts';
import { writeRoiZip } from '../../export/imagej-roi.ts';
import { labelMapImage } from '../../export/label-tiff.ts';
import { outlineSlices, slicesOf } from '../../export/outlined-slices.ts';
import { writeParquet } from '../../export/parquet.ts';
import { writeNifti } from '../../image/formats/nifti/write.ts';
import { writeTiff } from '../../image/formats/tiff/write.ts';
import type { Image } from '../../image/image.ts';
import type { Table } from '../../measure/table.ts';
import type { IntegerArray } from '../../objects/grid.ts';
import { atomicWrite } from '../../platform/node/atomic-write.ts';
import type { MeasureFlags } from '../commands/measure.ts';

export interface MeasuredObjects {
  readonly name: string;
  readonly labels: IntegerArray;
  readonly table: Table;
  /** Spacing and geometry of the label map. */
  readonly map: Image;
}

/** Writes the formats that were asked for into a folder, and remembers what it wrote. */
export class MeasureFiles {
  readonly #folder: string;
  readonly #formats: ReadonlySet<MeasureFlags['format'][number]>;
  readonly #coco = new CocoFile();
  readonly #cocoRle = new CocoFile({ segmentation: 'rle' });
  readonly #written: string[] = [];

  constructor(folder: string, formats: MeasureFlags['format']) {
    this.#folder = folder;
    this.#formats = new Set(formats);
  }

  /** Paths within the folder, of the files of all images; of one a image its folder. */
  get written(): readonly string[] {
    return this.#written;
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await atomicWrite(join(this.#folder, name), content);
    this.#remember(name);
  }

  /** A table under each of the formats of tables. */
  async table(name: string, table: Table): Promise<void> {
    if (this.#formats.has('csv')) await this.write(`${name}.csv`, writeCsv(table));
    if (this.#formats.has('parquet')) await this.write(`${name}.parquet`, writeParquet(table));
  }

  /** The objects of one image. */
  async objects({ name, labels, table, map }: MeasuredObjects): Promise<void> {
    const { spacing, geometry } = map;
    const each = async (part: string, extension: string, content: () => string | Uint8Array): Promise<void> => {
      await atomicWrite(join(this.#folder, part, `${name}.${extension}`), content());
      this.#remember(`${part}/`);
    };
    const asImage = (): Image => ({
      ...labelMapImage(labels, { axes: labels.shape.length === 3 ? 'zyx' : 'yx', spacing }),
      ...(geometry === undefined ? {} : { geometry }),
    });
    if (this.#formats.has('tiff')) await each('labels', 'tif', () => writeTiff(asImage()));
    if (this.#formats.has('nifti')) await each('nifti', 'nii.gz', () => writeNifti(asImage()));
    if (this.#formats.has('roi') || this.#formats.has('geojson')) {
      const slices = outlineSlices(labels);
      if (this.#formats.has('roi')) await each('roi', 'zip', () => writeRoiZip(slices));
      if (this.#formats.has('geojson')) await each('geojson', 'geojson', () => writeGeoJson(slices, { table }));
    }
    const slices = slicesOf(labels);
    for (const [format, file] of [
      ['coco', this.#coco],
      ['coco-rle', this.#cocoRle],
    ] as const) {
      if (!this.#formats.has(format)) continue;
      for (const [z, slice] of slices.entries()) {
        file.add({ fileName: slices.length === 1 ? name : `${name}[${z}]`, labels: slice });
      }
    }
  }

  /** What holds the objects of all images. */
  async finish(): Promise<void> {
    if (this.#formats.has('coco')) await this.write('coco.json', this.#coco.text());
    if (this.#formats.has('coco-rle')) await this.write('coco-rle.json', this.#cocoRle.text());
  }

  #remember(name: string): void {
    if (!this.#written.includes(name)) this.#written.push(name);
  }
}
