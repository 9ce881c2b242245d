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
import type { SeparationSettings } from '../objects/instances.ts';
import { splitAtNecks } from '../objects/split-at-necks.ts';
import { isUsedFor, PROJECT_FILE, type Project, writeProject } from '../project/project.ts';
import { encodeResult } from '../workflows/encode.ts';
import { readImageFile } from '../workflows/image-files.ts';
import { listImages } from '../workflows/image-list.ts';
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

/** In a prediction: its objects, and beside them all as they were found, once some are left out, filled or split. */
const [OBJECTS, FOUND] = ['objects', 'found'];
/** What became of the objects of a prediction. Written when all of its files are so. */
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
  labels: Image,
  { minSizePx = 0, excludeBorder, fillHoles: fill = false, splitNecks }: ObjectFilters,
) {
  const data = new Uint32Array(labels.data.length);
  let count = 0;
  let at = 0;
  for (const found of labelArrays(labels)) {
    const objects = splitNecks ? splitAtNecks(fill ? fillHoles(found) : found, { minSize: minSizePx }).labels : found;
    const kept = cleanObjects(objects, {
      fillHoles: fill,
      minSize: minSizePx,
      border: excludeBorder ? 'clear' : 'keep',
    });
    data.set(kept.labels.data, at);
    at += kept.labels.data.length;
    count += kept.count;
  }
  // The type of before, so that the file keeps its name.
  const image = castTo({ ...labels, dtype: 'uint32', data }, labels.dtype === 'uint32' ? 'uint32' : 'uint16');
  return { image, count };
}

/** Whether objects are others than those that were found. */
const changes = ({ minSizePx = 0, excludeBorder, fillHoles: fill, splitNecks }: ObjectFilters): boolean =>
  minSizePx > 0 || [excludeBorder, fill, splitNecks].includes(true);

/**
 * Writes the objects of one image as they are wanted; all are kept as they were found.
 * @param folder of the prediction, in which `name` is the file of the objects
 * @param source the image, whose format that of the objects follows
 * @returns how many remain
 */
async function filterFile(
  { files }: StudioHost,
  [folder, name]: readonly [folder: string, name: string],
  source: string,
  filters: ObjectFilters,
): Promise<number> {
  const [path, found] = [joinPath(folder, OBJECTS, name), joinPath(folder, FOUND, name)];
  if ((await files.kind(found)) !== 'file') await files.write(found, await files.read(path));
  const { image, count } = wantedObjects(await readImageFile(files, found, { palette: 'index' }), filters);
  await files.write(path, encodeResult(image, 'same', source, files.zlib).bytes);
  return count;
}

/**
 * Leaves out, fills or splits other objects of a prediction than before. Areas of several classes stay as they are.
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
  const objects = joinPath(folder, OBJECTS);
  if ((await host.files.kind(objects)) !== 'folder') return;
  const names = await predictedNames(host, open);
  for (const file of await host.files.list(objects)) {
    const id = names.find(({ name }) => file.startsWith(`${name}.`))?.id;
    // Of an image that has left the project.
    const source = open.project.images.find((image) => image.id === id)?.file ?? file;
    await filterFile(host, [folder, file], source, filters);
  }
  await writeFilters(host, folder, filters);
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
  const files = options.images === undefined ? host.files : onlyImages(host.files, folder, project, options.images);
  const total = options.images?.length ?? project.images.filter((image) => isUsedFor(image, 'predict')).length;
  const prediction = await nextFolder(host, folder, FOLDERS.predictions);
  const out = joinPath(folder, prediction);
  const objects = separates(project);
  const failed: Problem[] = [];
  const filters = changes(options);
  if (filters && !objects)
    emit({ kind: 'note', text: 'Areas are kept as they are: only objects are dropped, filled or split.' });
  // They are found with their holes, which are filled, and opened again, by the filters.
  const withHoles = options.fillHoles !== undefined && { fillHoles: false };
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
  for (const result of predicted.images) {
    const id = idOfPath(open, result.image);
    const path = (objects ? result.objects : result.label) as string;
    const count =
      result.objectCount === undefined
        ? countAreas(await readImageFile(host.files, path, { palette: 'index' }))
        : filters
          ? await filterFile(host, [out, path.slice(joinPath(out, OBJECTS).length + 1)], result.image, options)
          : result.objectCount;
    images.push({ image: id, objects: count, ms: Math.round(result.ms) });
  }
  if (filters && objects) await writeFilters(host, out, options);
  return { prediction, images, failed };
}

function idOfPath({ folder, project }: OpenProject, path: string): ImageId {
  const image = project.images.find(({ file }) => joinPath(folder, file) === path);
  return image?.id ?? path;
}

/** A predicted image and the name that its results have. */
export interface PredictedName {
  readonly id: ImageId;
  readonly name: string;
}

/** The names of the results of all images. */
export async function predictedNames(host: StudioHost, open: OpenProject): Promise<readonly PredictedName[]> {
  const listed = await listImages(host.files, open.folder);
  return listed.map(({ path, name }) => ({ id: idOfPath(open, path), name }));
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
  const path = await requirePrediction(host, open, prediction);
  const { stored } = await open.images.load(open.project, id);
  const folder = await partOf(files, path, ['objects', 'label']);
  const own = (await predictedNames(host, open)).find((item) => item.id === id)?.name;
  const file = (await files.list(folder)).find((name) => own !== undefined && name.startsWith(`${own}.`));
  if (file === undefined) throw new UsageError(`The image '${id}' is not in ${prediction}.`);
  const read = await readImageFile(files, joinPath(folder, file), { palette: 'index' });
  const map = displayMap(stored);
  const upright = map === undefined ? read : reorient(read, map);
  const { height, width, times, slices } = sizes(upright);
  if (page >= times * slices) throw new UsageError(`The image '${id}' has ${times * slices} pages, not ${page + 1}.`);
  const pixels = height * width;
  const values = upright.data.subarray(page * pixels, (page + 1) * pixels);
  const shape = [height, width];
  if (folder.endsWith('/objects')) return ndarray('uint32', shape, Uint32Array.from(values as Uint16Array));
  const labelOf = new Map(classLabels(open.project).map(({ label, value }) => [value, label]));
  return ndarray(
    'uint8',
    shape,
    Uint8Array.from(values as Uint8Array, (value) => labelOf.get(value) ?? value),
  );
}
