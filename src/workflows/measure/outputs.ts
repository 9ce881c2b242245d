/** What `measureFolder` writes per image and for all images. */

import { CocoFile } from '../../export/coco.ts';
import { writeCsv } from '../../export/csv.ts';
import { writeGeoJson } from '../../export/geojson.ts';
import { requireRoiCount, writeRoiZip } from '../../export/imagej-roi.ts';
import { labelMapImage } from '../../export/label-tiff.ts';
import { type OutlinedSlice, outlineCount, outlineSlices } from '../../export/outlined-slices.ts';
import { writeParquet } from '../../export/parquet.ts';
import { joinPath, type WritableFiles } from '../../files.ts';
import { writeNifti } from '../../image/formats/nifti/write.ts';
import { writeTiff } from '../../image/formats/tiff/write.ts';
import type { Image } from '../../image/image.ts';
import type { Table } from '../../measure/table.ts';
import { type IntegerArray, slicesOf } from '../../objects/grid.ts';
import type { MeasureFormat } from '../choices.ts';

/** Output files and folders; a folder with nothing else may be overwritten. */
export const MEASURE_OUTPUTS: readonly string[] = [
  ...['objects', 'images', 'patients', 'slices'].flatMap((name) => [`${name}.csv`, `${name}.parquet`]),
  ...['report.html', 'coco.json', 'coco-rle.json', 'labels', 'nifti', 'roi', 'geojson'],
];

/** The objects of one image at one time point, as far as they are written as outlines. */
export interface OutlinedObjects {
  readonly name: string;
  readonly table: Table;
  /** Of objects, by their labels, where there are several. */
  readonly classes?: ReadonlyMap<number, string>;
  /** Number of channels; RGB counts as one. */
  readonly channels: number;
}

/** The objects of one image at one time point. */
export interface MeasuredObjects extends OutlinedObjects {
  readonly labels: IntegerArray;
  /** Spacing and geometry of the label map. */
  readonly map: Image;
  /** The image's file, or else that of the label map, relative to its folder. */
  readonly fileName: string;
  /** Zero-based time point. */
  readonly t?: number;
}

/** Writes the requested formats into a folder and records what it wrote. */
export class MeasureOutputs {
  readonly #files: WritableFiles;
  readonly #folder: string;
  readonly #formats: ReadonlySet<MeasureFormat>;
  readonly #onlyClass: string | undefined;
  readonly #coco: CocoFile;
  readonly #cocoRle: CocoFile;
  readonly #written = new Set<string>();

  /** @param onlyClass the name of the class that all objects are of, if it has one */
  constructor(files: WritableFiles, folder: string, formats: readonly MeasureFormat[], onlyClass?: string) {
    this.#files = files;
    this.#folder = folder;
    this.#formats = new Set(formats);
    this.#onlyClass = onlyClass;
    this.#coco = new CocoFile({ category: onlyClass });
    this.#cocoRle = new CocoFile({ category: onlyClass, segmentation: 'rle' });
  }

  /** Paths within the folder: files on all images, and folders with one file per image. */
  get written(): readonly string[] {
    return [...this.#written];
  }

  async write(name: string, content: string | Uint8Array, listed = name): Promise<void> {
    await this.#files.write(joinPath(this.#folder, name), content);
    this.#written.add(listed);
  }

  /** A table in each of the table formats. */
  async table(name: string, table: Table): Promise<void> {
    if (this.#formats.has('csv')) await this.write(`${name}.csv`, writeCsv(table));
    if (this.#formats.has('parquet')) await this.write(`${name}.parquet`, writeParquet(table));
  }

  async #each(format: MeasureFormat, folder: string, file: string, content: () => string | Uint8Array): Promise<void> {
    if (this.#formats.has(format)) await this.write(`${folder}/${file}`, content(), `${folder}/`);
  }

  /** Before anything is measured. @param labels objects of one time point; @throws UsageError for more than fit into a file */
  requireRoom(labels: IntegerArray): void {
    if (this.#formats.has('roi')) requireRoiCount(outlineCount(labels));
  }

  /** Writes the formats of outlines. */
  async outlines(
    { name, table, classes, channels }: OutlinedObjects,
    slices: () => readonly OutlinedSlice[],
  ): Promise<void> {
    await this.#each('roi', 'roi', `${name}.zip`, () => writeRoiZip(slices(), { channels }));
    await this.#each('geojson', 'geojson', `${name}.geojson`, () =>
      writeGeoJson(slices(), { table, classification: classes ?? this.#onlyClass }),
    );
  }

  async objects({ name, labels, table, classes, map, fileName, channels, t }: MeasuredObjects): Promise<void> {
    const { spacing, geometry } = map;
    const asImage = (): Image => ({
      ...labelMapImage(labels, { axes: labels.shape.length === 3 ? 'zyx' : 'yx', spacing }),
      geometry,
    });
    await this.#each('tiff', 'labels', `${name}.tif`, () => writeTiff(asImage()));
    await this.#each('nifti', 'nifti', `${name}.nii.gz`, () => writeNifti(asImage()));
    await this.outlines({ name, table, classes, channels }, () => outlineSlices(labels, { t }));
    const slices = slicesOf(labels);
    for (const [format, file] of [
      ['coco', this.#coco],
      ['coco-rle', this.#cocoRle],
    ] as const) {
      if (!this.#formats.has(format)) continue;
      for (const [z, slice] of slices.entries()) {
        file.add({
          fileName,
          slice: slices.length === 1 ? undefined : z + 1,
          frame: t === undefined ? undefined : t + 1,
          labels: slice,
          classes,
        });
      }
    }
  }

  /** Writes the files with the objects of all images. */
  async finish(): Promise<void> {
    if (this.#formats.has('coco')) await this.write('coco.json', this.#coco.text());
    if (this.#formats.has('coco-rle')) await this.write('coco-rle.json', this.#cocoRle.text());
  }
}
