/** Segmenting the images of the project that is open. */

import { type NdArray, ndarray } from '../array/ndarray.ts';
import { labelArrays } from '../dataset/labels/labels.ts';
import { UsageError } from '../errors.ts';
import { joinPath, type WritableFiles } from '../files.ts';
import { castTo } from '../image/convert.ts';
import { type Image, sizes } from '../image/image.ts';
import { displayMap, reorient } from '../image/orient.ts';
import { cleanObjects } from '../objects/clean-objects.ts';
import { connectedComponents } from '../objects/connected-components.ts';
import { fillHoles } from '../objects/fill-holes.ts';
import type { FilteredObjects } from '../objects/filter-objects.ts';
import type { IntegerArray } from '../objects/grid.ts';
import type { SeparatedObjects, SeparationSettings } from '../objects/instances.ts';
import { splitAtNecks } from '../objects/split-at-necks.ts';
import { isUsedFor, PROJECT_FILE, type Project, writeProject } from '../project/project.ts';
import { encodeResult } from '../workflows/encode.ts';
import { readImageFile } from '../workflows/image-files.ts';
import { type ListedImage, listImages } from '../workflows/image-list.ts';
import { predictFolder } from '../workflows/predict.ts';
import { partOf } from '../workflows/prediction-file.ts';
import type { EngineEvent, ImageId, ObjectFilters, Problem, SegmentedImages, SegmentOptions } from './engine.ts';
import type { StudioHost } from './host.ts';
import { classLabels } from './label-files.ts';
import type { OpenProject } from './open-project.ts';
import { FOLDERS, imageOf } from './project-folder.ts';
import { nextFolder, numbersIn, runOf } from './training.ts';

/** Whether a model of this project separates objects: of objects, or of one class beside the background. */
const separates = ({ task, classes = [] }: Project): boolean => task === 'objects' || classes.length === 2;

/** An area stays in one piece, however narrow it is somewhere, and as it is: a membrane encloses what is none. */
const WHOLE_AREAS: SeparationSettings = { by: 'components', fillHoles: false };

/** The project's files, with a `lamella.json` that lists some images only. */
function onlyImages(files: WritableFiles, folder: string, project: Project, wanted: readonly ImageId[]): WritableFiles {
  for (const id of wanted) imageOf(project, id);
  const images = project.images.map((image) => ({
    ...image,
    use: wanted.includes(image.id as ImageId) ? ('all' as const) : ('train' as const),
  }));
  const text = new TextEncoder().encode(writeProject({ ...project, images }));
  const file = joinPath(folder, PROJECT_FILE);
  return { ...files, read: async (at, name = '') => (joinPath(at, name) === file ? text : files.read(at, name)) };
}

/**
 * In a prediction: its objects, or its areas of several classes, and beside them all as they were found, once some are left
 * out, filled or split.
 */
const [OBJECTS, AREAS, FOUND] = ['objects', 'label', 'found'] as const;
/** What became of the objects or areas of a prediction. Written when all of its files are so. */
const FILTERS_FILE = 'filters.json';
const FLAGS = ['excludeBorder', 'fillHoles', 'splitNecks'] as const;

const writeFilters = (
  host: StudioHost,
  folder: string,
  { minSizePx, excludeBorder, fillHoles, splitNecks }: ObjectFilters,
): Promise<void> =>
  host.files.write(
    joinPath(folder, FILTERS_FILE),
    `${JSON.stringify({ minSizePx, excludeBorder, fillHoles, splitNecks }, null, 2)}\n`,
  );

/** What became of the objects of a prediction. */
export async function filtersOf(host: StudioHost, { folder }: OpenProject, prediction: string): Promise<ObjectFilters> {
  const file = joinPath(folder, prediction, FILTERS_FILE);
  if ((await host.files.kind(file)) !== 'file') return {};
  try {
    const read = JSON.parse(new TextDecoder().decode(await host.files.read(file)));
    return {
      ...(Number.isInteger(read.minSizePx) && { minSizePx: read.minSizePx }),
      ...Object.fromEntries(FLAGS.filter((name) => typeof read[name] === 'boolean').map((name) => [name, read[name]])),
    };
  } catch {
    // Damaged: the objects are what they are, and a project opens all the same.
    return {};
  }
}

/** The objects as they are wanted. Numbers begin at 1 again. */
function wantedObjects(
  found: IntegerArray,
  { minSizePx = 0, excludeBorder, fillHoles: fill = false, splitNecks }: ObjectFilters,
): FilteredObjects {
  const objects = splitNecks ? splitAtNecks(fill ? fillHoles(found) : found, { minSize: minSizePx }).labels : found;
  return cleanObjects(objects, { fillHoles: fill, minSize: minSizePx, border: excludeBorder ? 'clear' : 'keep' });
}

/** The areas as they are wanted, each connected part of a class as an object is. They keep their values; the others get 0. */
function wantedAreas(found: IntegerArray, filters: ObjectFilters): SeparatedObjects {
  const areas = connectedComponents(found, { by: 'value' });
  const classOf = new Int32Array(areas.count + 1);
  for (const [p, area] of areas.labels.data.entries()) classOf[area] = found.data[p] as number;
  const { labels, count, values } = wantedObjects(areas.labels, filters);
  const kept = Int32Array.from(values, (area) => classOf[area] as number);
  for (const [p, area] of labels.data.entries()) labels.data[p] = kept[area] as number;
  return { labels, count };
}

/** The objects or areas of all time points as they are wanted, and how many there are. */
function wantedIn(map: Image, part: typeof OBJECTS | typeof AREAS, filters: ObjectFilters) {
  const wanted = part === OBJECTS ? wantedObjects : wantedAreas;
  const data = new Uint32Array(map.data.length);
  let count = 0;
  let at = 0;
  for (const found of labelArrays(map)) {
    const kept = wanted(found, filters);
    data.set(kept.labels.data, at);
    at += kept.labels.data.length;
    count += kept.count;
  }
  // The type of before, so that the file keeps its name.
  const dtype = map.dtype === 'uint32' || (map.dtype === 'uint8' && part === AREAS) ? map.dtype : 'uint16';
  return { image: castTo({ ...map, dtype: 'uint32', data }, dtype), count };
}

/** What there is of these filters for areas of several classes: parts of one class that touch are one area. */
const ofAreas = (filters: ObjectFilters): ObjectFilters => ({ ...filters, splitNecks: undefined });

/** Whether objects are others than those that were found. */
const changes = ({ minSizePx = 0, excludeBorder, fillHoles: fill, splitNecks }: ObjectFilters): boolean =>
  minSizePx > 0 || [excludeBorder, fill, splitNecks].includes(true);

/**
 * Writes the objects or areas of one image as they are wanted; all are kept as they were found.
 * @param folder of the prediction, in which `result` is their file
 * @param source the image, whose format that of the result follows
 * @returns how many remain
 */
async function filterFile(
  { files }: StudioHost,
  [folder, result]: readonly [folder: string, result: string],
  source: string,
  filters: ObjectFilters,
): Promise<number> {
  const [part, ...name] = result.split('/');
  const [path, found] = [joinPath(folder, result), joinPath(folder, FOUND, ...name)];
  if ((await files.kind(found)) !== 'file') await files.write(found, await files.read(path));
  const map = await readImageFile(files, found, { palette: 'index' });
  const { image, count } = wantedIn(map, part === OBJECTS ? OBJECTS : AREAS, filters);
  await files.write(path, encodeResult(image, 'same', source, files.zlib).bytes);
  return count;
}

/**
 * Leaves out, fills or splits other objects of a prediction than before, or leaves out and fills other areas of several
 * classes.
 * @throws UsageError for a folder that is no prediction of the project
 */
export async function filterPrediction(
  host: StudioHost,
  open: OpenProject,
  prediction: string,
  filters: ObjectFilters,
): Promise<void> {
  open.requireWritable();
  const folder = await requirePrediction(host, open, prediction);
  const isOfObjects = (await host.files.kind(joinPath(folder, OBJECTS))) === 'folder';
  const own = isOfObjects ? filters : ofAreas(filters);
  // Also of images that have left the project, so that all follow what is written beside them.
  for (const { file, result } of await segmentedFiles(host, open, prediction)) {
    if (result?.includes('/')) await filterFile(host, [folder, result], file, own);
  }
  await writeFilters(host, folder, own);
}

/** Connected areas of one class, without the background, in all slices. */
function countAreas(labels: Image): number {
  return labelArrays(labels).reduce((sum, part) => sum + connectedComponents(part, { by: 'value' }).count, 0);
}

/**
 * Predicts images with a run of the project, or the quick model, as `lamella predict` does, with objects where it separates any.
 * @throws as `predictFolder`; Interrupted when stopped
 */
export async function segmentImages(
  host: StudioHost,
  open: OpenProject,
  options: SegmentOptions,
  emit: (event: EngineEvent) => void,
  signal: AbortSignal,
): Promise<SegmentedImages> {
  await open.flush();
  const { folder, project } = open;
  const model = options.run === 'quick' ? open.liveModelFiles.quick : runOf(project, options.run);
  // As they are now: images may come and go meanwhile.
  const wanted =
    options.images ?? project.images.flatMap((image) => (isUsedFor(image, 'predict') ? (image.id ?? []) : []));
  const files = onlyImages(host.files, folder, project, wanted);
  const total = wanted.length;
  const prediction = await nextFolder(host, folder, FOLDERS.predictions);
  const out = joinPath(folder, prediction);
  const objects = separates(project);
  const failed: Problem[] = [];
  const filters = objects ? options : ofAreas(options);
  const isFiltered = changes(filters);
  if (options.splitNecks && !objects)
    emit({ kind: 'note', text: 'Areas of several classes are not split at necks: only objects are.' });
  // They are found with their holes, which are filled, and opened again, by the filters.
  const withHoles = options.fillHoles !== undefined && { fillHoles: false };
  const listed = new Map((await listedImages(files, { folder, project })).map((image) => [image.item.path, image]));
  let done = 0;
  const progress = (text: string): void => emit({ kind: 'progress', task: 'segment', done, total, text });
  progress('opening the model');
  const predicted = await predictFolder(
    { ...host, files },
    [joinPath(folder, model)],
    folder,
    {
      out,
      objects,
      separation: { ...(project.task === 'classes' && WHOLE_AREAS), ...withHoles },
      labels: !objects,
      probability: 'none',
      overlay: false,
      signal,
    },
    {
      onImage: (_, { name }) => {
        done++;
        progress(name);
      },
      onFailure: ({ image, reason }) => {
        done++;
        failed.push({ message: reason, code: 'format', file: image });
      },
    },
  );
  const images: { image: ImageId; objects: number; ms: number }[] = [];
  const tried = new Map<string, SegmentedFile>();
  const keep = (path: string, result?: string): ImageId => {
    const { id, file, crc32 } = listed.get(path) as ProjectListed;
    tried.set(file, { file, crc32, result });
    return id;
  };
  for (const { image } of predicted.failed) keep(image);
  for (const result of predicted.images) {
    const path = (objects ? result.objects : result.label) as string;
    const own = path.slice(joinPath(out).length + 1);
    const id = keep(result.image, own);
    const count = isFiltered
      ? await filterFile(host, [out, own], result.image, filters)
      : (result.objectCount ?? countAreas(await readImageFile(host.files, path, { palette: 'index' })));
    images.push({ image: id, objects: count, ms: Math.round(result.ms) });
  }
  if (isFiltered) await writeFilters(host, out, filters);
  await host.files.write(joinPath(out, INDEX_FILE), `${JSON.stringify([...tried.values()], null, 2)}\n`);
  return { prediction, images, failed };
}

/** An image of the project, and how predictions and measurements list it. */
interface ProjectListed {
  readonly id: ImageId;
  readonly file: string;
  readonly crc32?: string;
  readonly item: ListedImage;
}

async function listedImages(
  files: WritableFiles,
  { folder, project }: Pick<OpenProject, 'folder' | 'project'>,
): Promise<readonly ProjectListed[]> {
  const images = new Map(project.images.map((image) => [image.file, image]));
  return (await listImages(files, folder)).flatMap((item) => {
    const image = images.get(item.listed?.key ?? '');
    return image === undefined ? [] : { id: image.id as ImageId, file: image.file, crc32: image.crc32, item };
  });
}

/** The names that images have in predictions. */
export async function predictedNames(
  host: StudioHost,
  open: OpenProject,
): Promise<readonly { readonly id: ImageId; readonly name: string }[]> {
  return (await listedImages(host.files, open)).map(({ id, item }) => ({ id, name: item.name }));
}

/** Which file of a prediction is of which image, which their names do not say once images have come or gone. */
const INDEX_FILE = 'images.json';

/** An image when it was segmented: by now another may have its file. */
interface SegmentedFile {
  readonly file: string;
  readonly crc32?: string;
  /** From the folder of the prediction; none of an image that could not be read. */
  readonly result?: string;
}

/** What a prediction has of each image; by their names, where that was not written down. */
async function segmentedFiles(
  host: StudioHost,
  open: OpenProject,
  prediction: string,
): Promise<readonly SegmentedFile[]> {
  const { files } = host;
  const folder = joinPath(open.folder, prediction);
  const index = joinPath(folder, INDEX_FILE);
  if ((await files.kind(index)) === 'file') {
    try {
      return JSON.parse(new TextDecoder().decode(await files.read(index)));
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      // Damaged: names say nearly the same.
    }
  }
  const part = await partOf(files, folder, [OBJECTS, AREAS]);
  const names = await files.list(part);
  return (await listedImages(host.files, open)).flatMap(({ file, crc32, item }) => {
    // Behind the name is an extension only: `cell.1.png` is not of the image `cell`.
    const name = names.find(
      (one) => one.startsWith(`${item.name}.`) && /^(nii\.gz|[^./]+)$/.test(one.slice(item.name.length + 1)),
    );
    return name === undefined ? [] : { file, crc32, result: joinPath(part, name).slice(joinPath(folder).length + 1) };
  });
}

/**
 * The images of a project that a prediction has, each with its file in it.
 * @returns with the number of images that came since
 */
export async function segmentedImages(
  host: StudioHost,
  open: OpenProject,
  prediction: string,
): Promise<{ readonly images: readonly (ProjectListed & { readonly path: string })[]; readonly since: number }> {
  const found = new Map((await segmentedFiles(host, open, prediction)).map((one) => [one.file, one]));
  const listed = await listedImages(host.files, open);
  const known = listed.filter(({ file, crc32 }) => found.has(file) && found.get(file)?.crc32 === crc32);
  const images = known.flatMap((image) => {
    const result = found.get(image.file)?.result;
    return result === undefined ? [] : { ...image, path: joinPath(open.folder, prediction, result) };
  });
  return { images, since: listed.length - known.length };
}

/** The prediction that was measured last; undefined if there is none, or it is no longer there. */
export async function lastMeasured(host: StudioHost, { folder }: OpenProject): Promise<string | undefined> {
  const last = (await numbersIn(host, folder, FOLDERS.measures)).at(-1);
  const prediction = joinPath(FOLDERS.predictions, String(last));
  return (await host.files.kind(joinPath(folder, prediction))) === 'folder' ? prediction : undefined;
}

/** @throws UsageError for a folder that is no prediction of the project */
export async function requirePrediction(host: StudioHost, open: OpenProject, prediction: string): Promise<string> {
  const path = joinPath(open.folder, prediction);
  if (/^predictions\/\d+$/.test(prediction) && (await host.files.kind(path)) === 'folder') return path;
  throw new UsageError(`The project has no prediction '${prediction}'.`, { remedy: 'Segment its images first.' });
}

/**
 * The objects or classes of one page of a prediction, the way up in which the image is looked at.
 * @throws UsageError if that image was not predicted
 */
export async function segmentedPage(
  host: StudioHost,
  open: OpenProject,
  prediction: string,
  id: ImageId,
  page: number,
): Promise<NdArray<'uint8' | 'uint32'>> {
  const { files } = host;
  const folder = await requirePrediction(host, open, prediction);
  const { stored } = await open.images.load(open.project, id);
  const { images } = await segmentedImages(host, open, prediction);
  const path = images.find((image) => image.id === id)?.path;
  if (path === undefined) throw new UsageError(`The image '${id}' is not in ${prediction}.`);
  const read = await readImageFile(files, path, { palette: 'index' });
  const map = displayMap(stored);
  const upright = map === undefined ? read : reorient(read, map);
  const { height, width, times, slices } = sizes(upright);
  if (page >= times * slices) throw new UsageError(`The image '${id}' has ${times * slices} pages, not ${page + 1}.`);
  const pixels = height * width;
  const values = upright.data.subarray(page * pixels, (page + 1) * pixels);
  const shape = [height, width];
  if (path.startsWith(joinPath(folder, OBJECTS, '')))
    return ndarray('uint32', shape, Uint32Array.from(values as Uint16Array));
  const labelOf = new Map(classLabels(open.project).map(({ label, value }) => [value, label]));
  return ndarray(
    'uint8',
    shape,
    Uint8Array.from(values as Uint8Array, (value) => labelOf.get(value) ?? value),
  );
}
