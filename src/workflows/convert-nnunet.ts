/** Writes a data set as nnU-Net reads it (https://github.com/MIC-DKFZ/nnUNet, documentation/dataset_format.md). */

import { folderOf, stemOf } from '../dataset/discover/names.ts';
import { DATASET_JSON, isNnunetFolder } from '../dataset/discover/nnunet.ts';
import { type ImageListing, inFolder, listImageSources, pairListing, readListed } from '../dataset/discover/sources.ts';
import { alignLabels } from '../dataset/labels/align.ts';
import {
  applyMapping,
  backgroundOf,
  describeMapping,
  findMapping,
  IGNORE,
  type LabelMapping,
  type LabelOptions,
  type LabelRegion,
  labelPages,
} from '../dataset/labels/labels.ts';
import { readShapeLabels } from '../dataset/labels/shape-labels.ts';
import { readDataset } from '../dataset/prepare.ts';
import { labelOptions } from '../dataset/raw.ts';
import { DatasetError, Interrupted, LamellaError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { channel } from '../image/convert.ts';
import { writeNifti } from '../image/formats/nifti/write.ts';
import { writePng } from '../image/formats/png/write.ts';
import { type Image, sizes } from '../image/image.ts';

export interface ConvertNnunetOptions extends Pick<LabelOptions, 'classes' | 'ignore'> {
  readonly signal?: AbortSignal;
}

export interface ConvertedNnunet {
  readonly out: string;
  /** With labels, in `imagesTr` and `labelsTr`. */
  readonly trainingImages: number;
  /** Without, in `imagesTs`. */
  readonly testImages: number;
  /** Values by name, as `dataset.json` has them: of a region all of which it is the union. */
  readonly labels: Readonly<Record<string, number | readonly number[]>>;
  readonly channels: readonly string[];
  readonly fileEnding: '.png' | '.nii.gz';
  readonly notes: readonly string[];
}

/**
 * Writes the images of a folder with their labels, as `train` would understand them: one file per channel, labels as class
 * numbers, the background first and what is ignored last, and `dataset.json`, with the regions of a data set of nnU-Net. PNG where all images are single pages of 8 or 16 bits
 * without a place in a patient, otherwise NIfTI.
 * @throws LamellaError if `out` is there; DatasetError for what nnU-Net cannot hold: time series, images with different
 * channels, a class named "ignore", regions of a project; as `readDataset` and `findMapping`
 */
export async function convertToNnunet(
  files: WritableFiles,
  folder: string,
  out: string,
  { signal, ...options }: ConvertNnunetOptions = {},
): Promise<ConvertedNnunet> {
  if ((await files.kind(out)) !== undefined) {
    throw new LamellaError('this exists already.', { file: out, remedy: 'Choose another name.' });
  }
  return inFolder(folder, async () => {
    const { mapping, notes } = await meaningOf(files, folder, options);
    const { pairing, listing } = pairListing(await listImageSources(files, folder));
    const shapes = await readShapeLabels(
      files,
      folder,
      pairing.pairs.map(({ label }) => label),
      { project: listing.project },
    );
    const cases = casesOf(
      pairing.pairs.map(({ image }) => image),
      pairing.unlabelled,
    );
    // Classes that are given are no longer the values that regions are unions of.
    const regions = options.classes === undefined ? (listing.json?.regions ?? []) : [];
    const numbers = regions.length > 0 ? numbersOfRegions(mapping, regions) : numbersOf(mapping, folder);
    const { labels } = numbers;
    const writer = new CaseWriter(files, out, await fileEndingOf(files, listing, [...cases.keys()]));
    for (const { image: path, label } of pairing.pairs) {
      requireGoing(signal);
      const image = await readListed(files, listing, path);
      const read =
        shapes?.has(label) === true
          ? shapes.image(label, image)
          : await readListed(files, listing, label, { palette: 'index' });
      const name = cases.get(path) as string;
      await writer.image('imagesTr', name, image);
      await writer.labels(name, classNumbers(alignLabels(read, image), image, mapping, numbers));
    }
    for (const path of pairing.unlabelled) {
      requireGoing(signal);
      await writer.image('imagesTs', cases.get(path) as string, await readListed(files, listing, path));
    }
    const { fileEnding } = writer;
    // nnU-Net normalises by these names.
    const stated = listing.json?.channelNames ?? [];
    const channels = stated.length === writer.channels.length ? stated : writer.channels;
    const content = {
      channel_names: Object.fromEntries(channels.map((name, i) => [i, name])),
      labels,
      ...(regions.length > 0 && { regions_class_order: regions.map(({ shownAs }) => shownAs) }),
      numTraining: pairing.pairs.length,
      file_ending: fileEnding,
    };
    await files.write(joinPath(out, DATASET_JSON), `${JSON.stringify(content, undefined, 2)}\n`);
    const result = { out, labels, channels, fileEnding };
    const counts = { trainingImages: pairing.pairs.length, testImages: pairing.unlabelled.length };
    return { ...result, ...counts, notes: [...notes, ...numbers.notes] };
  });
}

function requireGoing(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new Interrupted('Conversion was stopped.');
}

/** What label values are, over all images together. */
async function meaningOf(
  files: WritableFiles,
  folder: string,
  options: Pick<LabelOptions, 'classes' | 'ignore'>,
): Promise<{ readonly mapping: LabelMapping; readonly notes: readonly string[] }> {
  const data = await readDataset(files, folder);
  if (data.pages.some(({ annotation }) => (annotation?.regions.length ?? 0) > 0)) {
    throw new DatasetError('the project has regions, which nnU-Net has not.', {
      file: folder,
      remedy: 'Train on the project here, or remove its regions.',
    });
  }
  const mapping = findMapping(
    data.pages.map(({ label }) => label),
    labelOptions(data, options),
  );
  return { mapping, notes: [...data.notes, describeMapping(mapping)] };
}

/** A name for each image without its folder, unless two have the same. */
function casesOf(...lists: readonly (readonly string[])[]): ReadonlyMap<string, string> {
  const paths = lists.flat();
  // Images of nnU-Net with one channel end in its number.
  const caseOf = (path: string): string =>
    isNnunetFolder(folderOf(path)) ? stemOf(path).replace(/_0000$/, '') : stemOf(path);
  const stems = paths.map(caseOf);
  const full = (path: string): string =>
    [...folderOf(path).split('/'), caseOf(path)].filter((part) => part !== '').join('_');
  return new Map(
    paths.map((path, i) => [
      path,
      stems.indexOf(stems[i] as string) === stems.lastIndexOf(stems[i] as string) ? (stems[i] as string) : full(path),
    ]),
  );
}

/** The name that 0 has in nnU-Net, which refuses a data set without it. */
const BACKGROUND = 'background';

interface ClassNumbers {
  readonly labels: ConvertedNnunet['labels'];
  /** By the index of the class. */
  readonly values: readonly number[];
  /** Of what is ignored: the one after the last. */
  readonly ignored: number;
  readonly notes: readonly string[];
}

/** The background is 0, and the other classes follow; where none is the background, no pixel is 0. */
function numbersOf(mapping: LabelMapping, folder: string): ClassNumbers {
  const names = mapping.classes.map(({ name }) => name);
  if (names.includes('ignore')) {
    throw new DatasetError('a class is named "ignore", which nnU-Net takes for pixels to ignore.', {
      file: folder,
      remedy: 'Give it another name.',
    });
  }
  const stated = names.indexOf(BACKGROUND);
  const [background] = stated < 0 ? backgroundOf(mapping) : [stated];
  const others = names.flatMap((_, i) => (i === background ? [] : [i]));
  const ignored = others.length + 1;
  const renamed = background === undefined ? undefined : names[background];
  const said =
    renamed === undefined ? 'no pixel has it' : renamed === BACKGROUND ? undefined : `"${renamed}" has that name there`;
  return {
    labels: Object.fromEntries([
      [BACKGROUND, 0],
      ...others.map((i, k) => [names[i], k + 1] as const),
      ...(mapping.ignore.length > 0 ? [['ignore', ignored] as const] : []),
    ]),
    values: names.map((_, i) => others.indexOf(i) + 1),
    ignored,
    notes: said === undefined ? [] : [`nnU-Net calls 0 "${BACKGROUND}": ${said}`],
  };
}

/** Regions of a data set of nnU-Net: its values are class numbers, and stay so. */
function numbersOfRegions({ classes, ignore }: LabelMapping, regions: readonly LabelRegion[]): ClassNumbers {
  const inRegions = new Set(regions.flatMap(({ values }) => values));
  const labels = Object.fromEntries([
    ...classes.flatMap(({ name }, i) => (inRegions.has(i) ? [] : [[name, i] as const])),
    ...regions.map(({ name, values }) => [name, values.length === 1 ? (values[0] as number) : values] as const),
    ...(ignore.length > 0 ? [['ignore', classes.length] as const] : []),
  ]);
  return { labels, values: [...classes.keys()], ignored: classes.length, notes: [] };
}

/** Class numbers on the grid of the image; ignored pixels have the number after the last. */
function classNumbers(
  labels: Image,
  image: Image,
  mapping: LabelMapping,
  { values, ignored }: ClassNumbers,
): Image<'uint8'> {
  const pages = labelPages(labels);
  const { slices, height, width } = sizes(image);
  const plane = height * width;
  if (pages.length !== slices || pages.some((page) => page.values.length !== plane)) {
    throw new DatasetError('the image and its labels differ in size.', { file: labels.source });
  }
  const data = new Uint8Array(slices * plane);
  for (const [z, page] of pages.entries()) {
    const classes = applyMapping(page, mapping);
    data.set(
      classes.map((index) => (index === IGNORE ? ignored : (values[index] as number))),
      z * plane,
    );
  }
  const { spacing, geometry } = image;
  const isVolume = image.axes.includes('z');
  return {
    dtype: 'uint8',
    data,
    axes: isVolume ? 'zyx' : 'yx',
    shape: isVolume ? [slices, height, width] : [height, width],
    spacing,
    geometry,
  };
}

/** PNG holds all images or none. */
async function fileEndingOf(
  files: WritableFiles,
  listing: ImageListing,
  paths: readonly string[],
): Promise<'.png' | '.nii.gz'> {
  for (const path of paths) {
    const { dtype, axes, geometry } = await readListed(files, listing, path);
    const fits =
      (dtype === 'uint8' || dtype === 'uint16') && (axes === 'yx' || axes === 'cyx') && geometry === undefined;
    if (!fits) return '.nii.gz';
  }
  return '.png';
}

class CaseWriter {
  readonly #files: WritableFiles;
  readonly #out: string;
  readonly fileEnding: '.png' | '.nii.gz';
  /** Of all images, which have the same. */
  channels: readonly string[] = [];

  constructor(files: WritableFiles, out: string, fileEnding: '.png' | '.nii.gz') {
    this.#files = files;
    this.#out = out;
    this.fileEnding = fileEnding;
  }

  async image(folder: 'imagesTr' | 'imagesTs', name: string, image: Image): Promise<void> {
    const { times, channels: count } = sizes(image);
    if (times > 1) {
      throw new DatasetError('the image has several times, which nnU-Net has not.', {
        file: image.source,
        remedy: 'Save each time as an image of its own.',
      });
    }
    const names = Array.from({ length: count }, (_, c) => channelName(image, c)).filter(
      (channelOf) => channelOf !== 'alpha',
    );
    if (this.channels.length === 0) this.channels = names;
    if (names.length !== this.channels.length) {
      throw new DatasetError(`the image has the channels ${names.join(', ')}, others ${this.channels.join(', ')}.`, {
        file: image.source,
        remedy: 'Save all images with the same channels.',
      });
    }
    for (const c of names.keys()) {
      const own = image.axes.includes('c') ? channel(image, c) : image;
      await this.#write(`${folder}/${name}_${String(c).padStart(4, '0')}`, own);
    }
  }

  labels(name: string, labels: Image): Promise<void> {
    return this.#write(`labelsTr/${name}`, labels);
  }

  #write(path: string, image: Image): Promise<void> {
    const bytes = this.fileEnding === '.png' ? writePng(image) : writeNifti(image);
    return this.#files.write(joinPath(this.#out, `${path}${this.fileEnding}`), bytes);
  }
}

/** nnU-Net's normalisation of CT goes by the name "CT". */
function channelName({ modality, valueUnit, channels }: Image, index: number): string {
  return modality === 'CT' || valueUnit === 'HU' ? 'CT' : (channels?.[index] ?? `channel ${index}`);
}
