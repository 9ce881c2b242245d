/**
 * The images of a folder where one image may consist of several files: DICOM slices are grouped into series, the files
 * of OME-Zarr stores into images, and headers paired with the files that contain their voxels. A series is represented
 * by one path, `<its folder>.dcm`, and an image of a store by `<its folder>.zarr`.
 */

import { DatasetError, FormatError, factsOf } from '../../errors.ts';
import { type Files, folderName, joinPath } from '../../files.ts';
import { HEAD_BYTES, isDicom } from '../../image/formats/dicom/detect.ts';
import type { DicomHeader } from '../../image/formats/dicom/header.ts';
import type { ReadOptions } from '../../image/formats/format.ts';
import { extensionsOf, READABLE_EXTENSIONS } from '../../image/formats/registry.ts';
import type { Image } from '../../image/image.ts';
import { limitsOf, MAX_BYTES, openOmeZarr, readDicomSeries, readOmeZarr, readStoredImage } from '../../image/read.ts';
import type { ImageSource } from '../../image/source.ts';
import type { Project } from '../../project/project.ts';
import { findChannelFiles, stackChannels } from './channel-files.ts';
import { findMaskFiles, mergeMasks } from './mask-files.ts';
import { baseName, extensionOf, folderOf, roleOf } from './names.ts';
import { DATASET_JSON, type DatasetJson, isNnunetFolder, parseDatasetJson, withDeclaredChannels } from './nnunet.ts';
import { pairFiles, readable } from './pair.ts';
import type { JoinedFiles, LeftOut, Pair, Pairing } from './pairing.ts';
import {
  pairProject,
  projectFiles,
  projectSeries,
  readProject,
  withLabelPaths,
  withProjectSpacing,
} from './project-files.ts';
import { pairSegments, segmentedSeries } from './segments.ts';
import { DICOM_EXTENSIONS, mayBeDicom, type SeriesSource } from './series.ts';
import { otherZips } from './shape-files.ts';
import { findStatedLabels } from './stated-labels.ts';
import { findStores, isStore } from './zarr-stores.ts';

/** The images of a folder, by path. */
export interface ImageListing {
  /** The folder that paths are relative to. */
  readonly root: string;
  /** Its absolute path, whose names distinguish images from labels; default `root`. */
  readonly place?: string;
  /** Images and other files; a series of several files is one path. */
  readonly paths: readonly string[];
  readonly series: ReadonlyMap<string, SeriesSource>;
  /** Images with separate files per channel or mask; each is also one path. */
  readonly joined?: ReadonlyMap<string, JoinedFiles>;
  /** Labels whose file states their image. They are no paths of the listing. */
  readonly stated?: readonly Pair[];
  /** The content of nnU-Net's `dataset.json`. */
  readonly json?: DatasetJson;
  /** If the folder is a project, whose images and labels are then the paths. */
  readonly project?: Project;
  /** DICOM files without an image, and files with a different extension than stated by `dataset.json`. */
  readonly leftOut: readonly LeftOut[];
}

interface Found {
  readonly folder: string;
  readonly headers: readonly DicomHeader[];
  readonly description: string;
}

/**
 * Lists a folder, or a file, with its DICOM files grouped into series and channel files combined.
 * @param options channels: number of channels of the network that the images are for, if any; leaveOutMissing: as for
 * `readProject`
 * @throws DatasetError if there is nothing, a channel of an image is missing, or `dataset.json` or `lamella.json` is
 * invalid
 */
export async function listImageSources(
  files: Files,
  root: string,
  { channels, leaveOutMissing }: { readonly channels?: number; readonly leaveOutMissing?: boolean } = {},
): Promise<ImageListing> {
  const all = await files.list(root);
  const place = files.resolve?.(root) ?? root;
  const project = await readProject(files, root, all, { leaveOutMissing });
  if (project !== undefined) {
    const folders = [...projectSeries(project, all)];
    const series = new Map(
      folders.map(([folder, files]): [string, SeriesSource] => {
        const format = isStore(files) ? 'OME-Zarr' : 'DICOM';
        return [folder, { format, folder, files, description: format }];
      }),
    );
    const named = await withLabelPaths(files, root, project);
    return { root, place, paths: projectFiles(project), series, project: named, leftOut: [] };
  }
  const stores = await findStores(files, root, all, lastPart(place));
  const leftOut: LeftOut[] = [...stores.leftOut];
  const headers: DicomHeader[] = [];
  const segmentations = new Map<string, readonly string[]>();
  for (const path of stores.rest.filter(mayBeDicom)) {
    const header = await headerOf(files, root, path, { leftOut, segmentations });
    if (header !== undefined) headers.push(header);
  }
  const found = await seriesIn(headers);
  const inSeries = new Set(found.flatMap((one) => one.headers.map(({ file }) => file)));
  leftOut.push(...(await otherZips(files, root, all)));
  const dropped = new Set([...leftOut.map(({ file }) => file), ...inSeries, ...segmentations.keys()]);
  const single = stores.rest.filter((path) => !dropped.has(path) && !isVoxelFile(path, all));
  const { paths: listed, series } = named([...single, ...stores.images.keys()], found, root, headers);
  for (const [path, image] of stores.images) series.set(path, image);
  const json = await readDatasetJson(files, root, place, all);
  const paths = listed.filter((path) => {
    const ending = json?.fileEnding;
    const other =
      ending !== undefined &&
      isNnunetFolder(folderOf(path) || place) &&
      !path.endsWith(ending) &&
      READABLE_EXTENSIONS.includes(extensionOf(path));
    if (other) leftOut.push({ file: path, reason: `${DATASET_JSON} says file_ending ${ending}` });
    return !other;
  });
  const { images } = readable(paths, READABLE_EXTENSIONS);
  const joined = withJoined(
    { root, place, paths, series, json, leftOut },
    findChannelFiles(images, { root, place, json, channels }),
  );
  const known = readable(joined.paths, READABLE_EXTENSIONS).images;
  const stated = await findStatedLabels(files, root, all, known);
  const segments = pairSegments(segmentations, headers, series, known);
  return {
    ...joined,
    paths: joined.paths.filter((path) => !stated.parts.includes(path)),
    stated: [...stated.pairs, ...segments.pairs],
    leftOut: [...leftOut, ...stated.leftOut, ...segments.leftOut],
  };
}

/** The listing with the paths of several files replaced by the one that represents them. */
function withJoined(listing: ImageListing, joined: ReadonlyMap<string, JoinedFiles>): ImageListing {
  if (joined.size === 0) return listing;
  const parts = new Set([...joined.values()].flatMap(({ files }) => files));
  const paths = [...listing.paths.filter((path) => !parts.has(path)), ...joined.keys()].sort();
  return { ...listing, paths, joined: new Map([...(listing.joined ?? []), ...joined]) };
}

/**
 * The `dataset.json` of the folder; for `imagesTr`, `labelsTr`, `gt_segmentations`, ..., and files in them, that of the
 * parent folder.
 */
async function readDatasetJson(
  files: Files,
  root: string,
  place: string,
  all: readonly string[],
): Promise<DatasetJson | undefined> {
  const own = all.length === 1 && all[0] === baseName(place) ? folderName(place) : place.replace(/[/\\]+$/, '');
  const above = folderName(own);
  const folder = all.includes(DATASET_JSON) ? root : isNnunetFolder(own) ? above : undefined;
  if (folder === undefined) return undefined;
  let bytes: Uint8Array;
  try {
    bytes = await files.read(folder, DATASET_JSON);
  } catch (cause) {
    if (cause instanceof DatasetError && folder === above) return undefined;
    throw cause;
  }
  return parseDatasetJson(new TextDecoder().decode(bytes), `${folder}/${DATASET_JSON}`);
}

/** The series among DICOM files, folder by folder, without single files that have a DICOM extension. */
async function seriesIn(headers: readonly DicomHeader[]): Promise<Found[]> {
  if (headers.length === 0) return [];
  const { groupSeries } = await import('../../image/formats/dicom/series.ts');
  return [...new Set(headers.map(({ file }) => folderOf(file)))].flatMap((folder) =>
    groupSeries(headers.filter(({ file }) => folderOf(file) === folder))
      .filter(
        ({ headers: [first, ...more] }) => more.length > 0 || !DICOM_EXTENSIONS.has(extensionOf(first?.file ?? '')),
      )
      .map((series) => ({ folder, headers: series.headers, description: series.description })),
  );
}

/** The header of a DICOM file; undefined for others, and for unreadable ones, which are reported when they are read. */
async function headerOf(
  files: Files,
  root: string,
  path: string,
  { leftOut, segmentations }: { readonly leftOut: LeftOut[]; readonly segmentations: Map<string, readonly string[]> },
): Promise<DicomHeader | undefined> {
  try {
    return await readHeader(files, root, path);
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof DatasetError)) throw cause;
    const what = factsOf(cause, 'unsupported-format')?.what;
    const series = what === undefined ? undefined : await segmentedSeries(files, root, path);
    if (series !== undefined) segmentations.set(path, series);
    else if (what !== undefined) leftOut.push({ file: path, reason: `${what}, not an image` });
    // Under a name that is not an image's it would never be read and reported.
    else if (!DICOM_EXTENSIONS.has(extensionOf(path)) && cause instanceof FormatError) {
      leftOut.push({ file: path, reason: 'a damaged DICOM file' });
    }
    return undefined;
  }
}

/** The header of a file; undefined if it is no DICOM file. @throws FormatError as `readDicomHead` */
async function readHeader(files: Files, root: string, path: string): Promise<DicomHeader | undefined> {
  const source = await files.open(root, path);
  try {
    const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
    if (!isDicom(head)) return undefined;
    // Loaded when needed: most data sets hold no DICOM file.
    const { readDicomHead } = await import('../../image/formats/dicom/series.ts');
    return (await readDicomHead(source, path, { head, maxBytes: MAX_BYTES })).header;
  } finally {
    await source.close();
  }
}

/** `.img` beside its `.hdr`. */
function isVoxelFile(path: string, all: readonly string[]): boolean {
  const match = /^(.*)\.img(\.gz)?$/i.exec(path);
  return match !== null && all.some((other) => other === `${match[1]}.hdr` || other === `${match[1]}.hdr.gz`);
}

/** One path per series: that of its folder, with its number if there are several. */
function named(
  single: readonly string[],
  found: readonly Found[],
  root: string,
  headers: readonly DicomHeader[],
): { readonly paths: readonly string[]; readonly series: Map<string, SeriesSource> } {
  const series = new Map<string, SeriesSource>();
  for (const folder of new Set(found.map((one) => one.folder))) {
    const own = found.filter((one) => one.folder === folder);
    const numbers = own.map((one) => one.headers[0]?.seriesNumber);
    const distinct = numbers.every((number) => number !== undefined) && new Set(numbers).size === own.length;
    // Alone in its folder, except for files that are not DICOM.
    const alone =
      own.length === 1 && headers.filter(({ file }) => folderOf(file) === folder).length === own[0]?.headers.length;
    for (const [i, { headers: members, description }] of own.entries()) {
      const [first, ...others] = members as readonly [DicomHeader, ...DicomHeader[]];
      const ofFile = others.length === 0 && !alone;
      const name = ofFile
        ? first.file
        : alone
          ? pathOfFolder(folder, root)
          : `${folder === '' ? '' : `${folder}/`}series-${distinct ? numbers[i] : i + 1}`;
      series.set(`${name}.dcm`, { format: 'DICOM', folder, files: members.map(({ file }) => file), description });
    }
  }
  return { paths: [...single, ...series.keys()].sort(), series };
}

/** A folder named `images` or `masks` keeps that word in the path; others give the series their name. */
function pathOfFolder(folder: string, root: string): string {
  if (folder === '') return lastPart(root);
  return roleOf(baseName(folder)) === undefined ? folder : `${folder}/series`;
}

function lastPart(root: string): string {
  return /([^/\\]+)[/\\]*$/.exec(root)?.[1]?.replace(/^\.+$/, 'series') ?? 'series';
}

/**
 * Runs what reads a folder, so that its errors name the files with the folder.
 * @throws as `run`; FormatError and DatasetError on a file within it get its path
 */
export async function inFolder<T>(folder: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof DatasetError) || cause.file === undefined) throw cause;
    const { file, problem, remedy, facts } = cause;
    const within = `${joinPath(folder).replace(/\/$/, '')}/`;
    if (/^([/\\]|\w:)/.test(file) || `${file}/`.startsWith(within)) throw cause;
    const Kind = cause instanceof FormatError ? FormatError : DatasetError;
    throw new Kind(problem, { file: joinPath(folder, file), remedy, facts, cause });
  }
}

/**
 * Reads one path of a listing.
 * @throws DatasetError if a file cannot be read; FormatError if it is damaged or not an image
 */
export async function readListed(
  files: Files,
  { project, ...listing }: ListedPlace & Pick<ImageListing, 'project'>,
  path: string,
  given: ReadOptions = {},
): Promise<Image> {
  const image = await readAsStored(files, listing, path, given);
  return project === undefined ? image : withProjectSpacing(image, project);
}

type ListedPlace = Pick<ImageListing, 'root' | 'place' | 'series' | 'joined' | 'json'>;

async function readAsStored(files: Files, listing: ListedPlace, path: string, given: ReadOptions): Promise<Image> {
  const { root, place = root, series, joined, json } = listing;
  const options = { ...limitsOf(files), ...given };
  const several = joined?.get(path);
  if (several !== undefined || json !== undefined) {
    const parts: Image[] = [];
    for (const file of several?.files ?? [path]) parts.push(await readAsStored(files, { root, series }, file, given));
    if (several?.kind === 'masks') return mergeMasks(parts, path);
    const image = several === undefined ? parts[0] : stackChannels(parts, path);
    const isImage = /images[^/\\]*[/\\]*$/i.test(folderOf(path) || place);
    return json !== undefined && isImage ? withDeclaredChannels(image, json) : image;
  }
  const slices = series.get(path);
  if (slices === undefined) {
    const sibling = async (other: string) => {
      try {
        return await files.read(root, other);
      } catch (cause) {
        if (cause instanceof DatasetError) return undefined;
        throw cause;
      }
    };
    return readStoredImage(files, root, path, { sibling, ...options });
  }
  if (slices.format === 'OME-Zarr') {
    const folder = joinPath(root, slices.folder);
    return readOmeZarr(files, folder, folder, options);
  }
  const parts = slices.files.map((file) => ({ name: file, read: () => files.read(root, file) }));
  return readDicomSeries(parts, slices.folder === '' ? root : slices.folder, options);
}

/**
 * Opens an image of a listing to read it by region; undefined if it has to be read as a whole.
 * @throws as `openOmeZarr`
 */
export async function openListed(
  files: Files,
  { root, series, joined, project, json }: ImageListing,
  path: string,
): Promise<ImageSource | undefined> {
  const stored = series.get(path);
  const isAlone = joined?.has(path) !== true && project === undefined && json === undefined;
  if (!isAlone || stored?.format !== 'OME-Zarr') return undefined;
  const folder = joinPath(root, stored.folder);
  return openOmeZarr(files, folder, { name: folder });
}

/** Extensions of files that contain volumes of a patient, rather than single images. */
const VOLUMES = extensionsOf('volumes');

/**
 * Pairs images and labels of a listing (`pairFiles`). A series may be paired with one label volume, or each of its
 * slices with its own label image, whichever matches. If a folder contains both volumes and single images, the less
 * numerous are skipped: mixed together they would have different pixel sizes, and may show the same patients twice.
 *
 * @throws DatasetError as `pairFiles`
 */
export function pairListing(
  listing: ImageListing,
  { mixed: keepMixed = false }: { /** Keep both volumes and pictures. */ readonly mixed?: boolean } = {},
): { readonly pairing: Pairing; readonly listing: ImageListing } {
  const { root, project, stated } = listing;
  if (project !== undefined) return { pairing: pairProject(project, root), listing };
  const pair = (paths: readonly string[]) =>
    pairFiles(paths, { folder: root, extensions: READABLE_EXTENSIONS, stated });
  let pairing: Pairing;
  let used = listing;
  try {
    pairing = pair(listing.paths);
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    if (listing.series.size === 0) {
      const masks = findMaskFiles(readable(listing.paths, READABLE_EXTENSIONS).images, root);
      if (masks === undefined) throw cause;
      return pairListing(withJoined(listing, masks), { mixed: keepMixed });
    }
    const isDicom = (path: string) => listing.series.get(path)?.format === 'DICOM';
    const slices = [...listing.series.values()].flatMap(({ format, files }) => (format === 'DICOM' ? files : []));
    used = {
      ...listing,
      paths: [...listing.paths.filter((path) => !isDicom(path)), ...slices].sort(),
      series: new Map([...listing.series].filter(([path]) => !isDicom(path))),
    };
    try {
      pairing = pair(used.paths);
    } catch {
      throw cause;
    }
  }
  const isVolume = (path: string) => used.series.get(path)?.format === 'DICOM' || VOLUMES.has(extensionOf(path));
  const volumes = pairing.pairs.filter(({ image }) => isVolume(image));
  const pictures = pairing.pairs.filter(({ image }) => !isVolume(image));
  const fewer = volumes.length > pictures.length ? pictures : volumes;
  const mixed = !keepMixed && volumes.length > 0 && pictures.length > 0;
  const reason =
    fewer === volumes
      ? 'a volume beside single pictures; name its folder to use it'
      : 'a picture beside volumes; name its folder to use it';
  return {
    pairing: {
      ...pairing,
      pairs: mixed ? pairing.pairs.filter((one) => !fewer.includes(one)) : pairing.pairs,
      leftOut: [
        ...pairing.leftOut,
        ...listing.leftOut,
        ...(mixed ? fewer.map(({ image }) => ({ file: image, reason })) : []),
      ],
    },
    listing: used,
  };
}
