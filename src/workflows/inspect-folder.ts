import { stemOf } from '../dataset/discover/names.ts';
import type { LeftOut } from '../dataset/discover/pairing.ts';
import { describeProject } from '../dataset/discover/project-files.ts';
import {
  type ImageListing,
  inFolder,
  listImageSources,
  openListed,
  pairListing,
  readListed,
} from '../dataset/discover/sources.ts';
import { applyMapping, describeMapping, findMapping, IGNORE } from '../dataset/labels/labels.ts';
import { readDataset } from '../dataset/prepare.ts';
import { labelOptions } from '../dataset/raw.ts';
import { counted, DatasetError, option } from '../errors.ts';
import { baseName, joinPath, type WritableFiles } from '../files.ts';
import { ImageNotes } from '../image/notes.ts';
import { memorySource } from '../image/source.ts';
import { fitInput } from '../input/network-input.ts';
import { pagesOf } from '../input/planes.ts';
import { patchText, readConfig } from '../train/config.ts';
import { parseLog } from '../train/log.ts';
import { totalSteps } from '../train/plan.ts';
import { FOLDS_FILES, RUN_FILES } from '../train/store.ts';
import type { FoldsRecord } from './folds/record.ts';
import type { Host } from './host.ts';
import { openImageFile } from './image-files.ts';
import { listImages, readListedImage } from './image-list.ts';
import { type Inspected, type InspectOptions, inspectedSource } from './inspect-image.ts';
import type { PredictionFile } from './prediction-file.ts';
import { runReader } from './read-run.ts';

type InspectHost = Pick<Host, 'files'> & Partial<Pick<Host, 'memory'>>;

/** A title with indented lines. */
const under = (title: string, lines: readonly string[]): string =>
  [title, ...lines.map((line) => `  ${line}`)].join('\n');

function sizesOf(pages: readonly { readonly height: number; readonly width: number }[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { height, width } of pages) {
    const size = `${width} x ${height}`;
    counts.set(size, (counts.get(size) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([size, count]) => `${count} of ${size}`);
}

const shortened = (items: readonly string[]): string =>
  items.length <= 5 ? items.join(', ') : `${items.slice(0, 4).join(', ')} and ${items.length - 4} more sizes`;

const describeLeftOut = (leftOut: readonly LeftOut[]): readonly string[] =>
  leftOut.map(({ file, reason }) => `skipped: ${file}, ${reason}`);

/** A data set, an OME-Zarr store, a folder of images without labels, or of DICOM series. */
export function inspectFolder(host: InspectHost, path: string, options: InspectOptions): Promise<Inspected> {
  return inFolder(path, () => inspectWithin(host, path, options));
}

async function inspectWithin(host: InspectHost, path: string, options: InspectOptions): Promise<Inspected> {
  const { files } = host;
  const listing = await listImageSources(files, path);
  const { series, classes, ignore, level } = options;
  try {
    if (series !== undefined) return await inspectedSource(host, await openImageFile(files, path, { series }), options);
    pairListing(listing);
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    if (series !== undefined) throw cause;
    if (listing.series.size > 0) return inspectSeries(host, listing, options);
    const listed = await listImages(files, path).catch(() => []);
    // Images without labels can be predicted; other problems are reported.
    if (listed.length === 0 || cause.code !== 'no-labels') throw cause;
    const pages: { readonly height: number; readonly width: number }[] = [];
    const noted = new ImageNotes();
    // One after the other: all images of a folder may take more than the memory there is.
    for (const item of listed) {
      const image = await readListedImage(files, item, { level });
      for (const { height, width } of pagesOf(image)) pages.push({ height, width });
      noted.add({ notes: image.notes, source: item.name });
    }
    const { project } = listing;
    const about = project === undefined ? [] : describeProject(project, baseName(files.resolve(path)));
    const notes = [...about, ...describeLeftOut(listing.leftOut), ...noted.lines()];
    const counts = `${counted(listed.length, 'image')} without labels, ${counted(pages.length, 'page')}: ${shortened(sizesOf(pages))}`;
    return {
      describe: { kind: 'images', folder: path, images: listed.map((item) => item.path), pages: pages.length, notes },
      text: under(path, [counts, ...notes]),
    };
  }
  const raw = await readDataset(files, path, { level });
  const mapping = findMapping(
    raw.pages.map(({ label }) => label),
    labelOptions(raw, { classes, ignore }),
  );
  const pixels = new Float64Array(256);
  for (const { label } of raw.pages) {
    for (const value of applyMapping(label, mapping)) pixels[value] = (pixels[value] as number) + 1;
  }
  const total = mapping.classes.reduce((sum, _, c) => sum + (pixels[c] as number), 0);
  const shares = mapping.classes.map(({ name }, c) => ({ name, share: (pixels[c] as number) / total }));
  const { input, reasons } = fitInput(raw.pages);
  const lines = [
    ...raw.notes,
    `${counted(raw.pages.length, 'page')}: ${shortened(sizesOf(raw.pages))}`,
    ...reasons,
    describeMapping(mapping),
    `fraction of pixels: ${shares.map(({ name, share }) => `${name} ${(100 * share).toFixed(1)} %`).join(', ')}`,
    ...((pixels[IGNORE] as number) > 0 ? [`ignored: ${pixels[IGNORE]} pixels`] : []),
  ];
  return {
    describe: {
      kind: 'dataset',
      folder: path,
      ...(raw.project && { project: raw.project }),
      pairs: raw.pairing.pairs,
      unlabelled: raw.pairing.unlabelled,
      leftOut: raw.pairing.leftOut,
      pages: raw.pages.length,
      sizes: sizesOf(raw.pages),
      input: { channels: input.channels, normalisation: input.normalisation },
      labels: mapping,
      shares,
    },
    text: under(
      path,
      lines.flatMap((line) => line.split('\n')),
    ),
  };
}

/** The series and stores of a folder, or the image of its only one. */
async function inspectSeries(host: InspectHost, listing: ImageListing, options: InspectOptions): Promise<Inspected> {
  const { root, series, paths, leftOut } = listing;
  const found = [...series];
  const others = paths.filter((path) => !series.has(path));
  const notes = [
    ...(others.length > 0 ? [`${counted(others.length, 'other file')}, such as ${others[0]}`] : []),
    ...describeLeftOut(leftOut),
  ];
  const kinds = [...new Set(found.map(([, { format }]) => format))].join(', ');
  const rows = found.map(([path, { description }]) => `${stemOf(path)}: ${description}`);
  const [only] = found;
  if (found.length === 1 && only !== undefined) {
    const { files } = host;
    const source =
      (await openListed(files, { root, series, paths, leftOut }, only[0])) ??
      memorySource(await readListed(files, { root, series }, only[0]));
    const { describe, text, image } = await inspectedSource(host, source, options);
    return { describe, image, text: under(text, [...rows, ...notes]) };
  }
  return {
    describe: {
      kind: 'series',
      folder: root,
      series: found.map(([path, { folder, files: slices, description }]) => ({
        name: stemOf(path),
        folder,
        files: slices.length,
        description,
      })),
      leftOut,
    },
    text: under(root, [
      kinds === 'DICOM' ? `${found.length} DICOM series:` : `${counted(found.length, 'image')} (${kinds}):`,
      ...rows,
      ...notes,
      `Inspect one with ${option('series', '<name>')}.`,
    ]),
  };
}

/** What `predict` wrote into a folder. */
export async function inspectPrediction(
  files: WritableFiles,
  path: string,
  { models, images, classes }: PredictionFile,
): Promise<Inspected> {
  const counts = new Map<string, number>();
  for (const file of await files.list(path)) {
    const [part, rest] = file.split('/');
    if (rest !== undefined) counts.set(part as string, (counts.get(part as string) ?? 0) + 1);
  }
  const lines = [
    `predictions of ${images}`,
    `model: ${models.join(', ')}`,
    `classes: ${classes.join(', ')}`,
    ...[...counts].map(([part, count]) => `${part}/: ${counted(count, 'file')}`),
  ];
  return {
    describe: { kind: 'prediction', folder: path, models, images, classes, files: Object.fromEntries(counts) },
    text: under(path, lines),
  };
}

/** A run: what it trains, its progress and its best score. */
export async function inspectRun(files: WritableFiles, path: string): Promise<Inspected> {
  const store = runReader(files, path);
  const config = await readConfig(store);
  const log = parseLog(new TextDecoder().decode(await store.read(RUN_FILES.log)));
  const validations = log.filter((line) => line.kind === 'validation');
  const steps = log.reduce((most, line) => Math.max(most, line.step), 0);
  const best = validations.findLast((line) => line.best);
  const { recipe, plan } = config;
  const open = plan.segments.length === 0;
  const done = !open && steps >= totalSteps(plan);
  const lines = [
    open
      ? `open session of ${config.created}: step ${steps}`
      : `run of ${config.created}, ${done ? 'complete' : 'incomplete'}: step ${steps} of ${totalSteps(plan)}`,
    `data: ${config.folder}, ${counted(config.trainingImages.length, 'page')} for training, ${config.validationImages.length} for validation`,
    `network: ${recipe.model.name}, patch ${patchText(recipe)}, batch ${recipe.batch}`,
    ...(best === undefined ? [] : [`best: ${best.metric} ${best.score.toFixed(4)} at step ${best.step}`]),
    ...(done || open ? [] : [`Resume training with ${option('resume', path)}.`]),
  ];
  return {
    describe: { kind: 'run', folder: path, step: steps, complete: done, best: best ?? null, config },
    text: under(path, lines),
  };
}

/** A run of folds: which are done, and what all of them together are worth. */
export function inspectFolds(path: string, { folder, folds, finished, result }: FoldsRecord): Inspected {
  const failed = finished.filter((one) => one.failed !== undefined);
  const lines = [
    `run of ${folds} folds, ${finished.length} of them finished${failed.length === 0 ? '' : `, ${failed.length} failed`}`,
    `data: ${folder}`,
    ...(result?.lines ?? []),
    ...(result?.hasModel
      ? [`model: ${joinPath(path, FOLDS_FILES.model)}, the mean of ${result.folds.length} networks`]
      : []),
    ...(result === undefined ? [`Resume training with ${option('resume', path)}.`] : []),
  ];
  return {
    describe: { kind: 'folds', folder: path, data: folder, folds, finished, result: result ?? null },
    text: under(path, lines),
  };
}
