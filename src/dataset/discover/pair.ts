/** Which image belongs to which labels, judged only by file names. */

import { addTo } from '../../array/lists.ts';
import { counted, DatasetError, factsOf } from '../../errors.ts';
import { pairCellTracking } from './cell-tracking.ts';
import { baseName, commonName, extensionOf, folderOf, naturalOrder, type Role, roleOf, stemOf } from './names.ts';
import type { LeftOut, Pair, Pairing } from './pairing.ts';
import { chooseShapeFiles, isShapeLabel, shapeStem } from './shape-files.ts';
import { chooseStated } from './stated-labels.ts';
import { pairStores } from './store-labels.ts';

export interface PairOptions {
  /** Name of the folder, for messages. */
  readonly folder?: string;
  /** Extensions of supported files, lower case without the dot. */
  readonly extensions: readonly string[];
  /** Labels whose file states their image, for images that have none by name. */
  readonly stated?: readonly Pair[] | undefined;
}

const LAYOUTS =
  'Put images into "images" and their labels, of the same names, into "labels" (or "masks"), or name them x.png and x_mask.png.';

/** Extensions of files beside images that are obviously not images: not worth mentioning. */
const SIDE_FILES = new Set([
  'csv',
  'txt',
  'md',
  'rst',
  'json',
  'xml',
  'yaml',
  'yml',
  'html',
  'pdf',
  'log',
  '',
  'ilp',
  'db',
  'ini',
  'toml',
]);

export interface File {
  readonly path: string;
  readonly stem: string;
  /** Role of the deepest folder that indicates one. */
  readonly folderRole: Role | undefined;
  /** The folder without the role word, equal for a folder of images and its folder of labels. */
  readonly group: string;
}

/** ilastik names exports after what they hold: `a_Simple Segmentation.h5`. */
const exportStem = (stem: string): string =>
  stem.replace(/_(simple segmentation|object identities|object predictions)$/i, '_segmentation');

export function fileOf(path: string): File {
  const stem = isShapeLabel(path) ? shapeStem(stemOf(path)) : exportStem(stemOf(path));
  const segments = folderOf(path).normalize('NFC').split('/');
  for (let i = segments.length - 1; i >= 0; i--) {
    const role = roleOf(segments[i]);
    if (role === undefined) continue;
    const group = [...segments.slice(0, i), `{${commonName(segments[i])}}`, ...segments.slice(i + 1)].join('/');
    return { path, stem, folderRole: role, group };
  }
  return { path, stem, folderRole: undefined, group: segments.join('/') };
}

/** `case_0000` -> `case`: nnU-Net numbers the channels of an image, not its labels. */
function withoutChannel(stem: string): string {
  return stem.replace(/_0000$/, '');
}

const lowerCase = (stem: string): string => stem.toLowerCase();

function lastNumber(stem: string): string | undefined {
  const digits = /(\d+)\D*$/.exec(stem)?.[1];
  return digits === undefined ? undefined : String(Number(digits));
}

/**
 * Ways in which the names of an image and a label can match, from strict to loose. The first way with which every label
 * finds an image is used for the whole group, so that loose and strict rules never mix.
 */
const WAYS: readonly Readonly<Record<Role, (stem: string) => string | undefined>>[] = [
  { image: (stem) => stem, label: (stem) => stem },
  { image: lowerCase, label: lowerCase },
  { image: withoutChannel, label: (stem) => stem },
  { image: commonName, label: commonName },
  // set1_phase + set1_instances: the image has one additional word of any kind.
  { image: (stem) => commonName(stem.replace(/[^\p{L}\p{N}]+[^_\-. ]+$/u, '')), label: commonName },
  { image: lastNumber, label: lastNumber },
];

function collect(files: readonly File[], key: (file: File) => string | undefined): Map<string, File[]> {
  const found = new Map<string, File[]>();
  for (const file of files) addTo(found, key(file) ?? `\0${file.path}`, file);
  return found;
}

/** Ways strict enough if only some images have labels; numbers alone could pair unrelated files. */
const WAYS_OF_SOME = WAYS.slice(0, -1);

interface Group {
  readonly pairs: readonly Pair[];
  readonly unlabelled: readonly string[];
}

/**
 * Every label with its image, by the first way that finds one for each; images may remain unlabelled, unless they could
 * also belong to one of the labels.
 */
function matchSome(images: readonly File[], labels: readonly File[]): Group | undefined {
  for (const way of WAYS_OF_SOME) {
    const byImage = collect(images, ({ stem }) => way.image(stem));
    const byLabel = collect(labels, ({ stem }) => way.label(stem));
    const pairs = [...byLabel].flatMap(([name, [label]]) => {
      const found = byImage.get(name) ?? [];
      return found.length === 1 ? [{ image: (found as [File])[0].path, label: (label as File).path }] : [];
    });
    if (pairs.length < labels.length) continue;
    const used = new Set(pairs.map(({ image }) => image));
    const others = images.filter(({ path }) => !used.has(path));
    const meant = WAYS_OF_SOME.some((other) => {
      const names = new Set(labels.map(({ stem }) => other.label(stem)));
      return others.some(({ stem }) => names.has(other.image(stem)));
    });
    return meant ? undefined : { pairs, unlabelled: others.map(({ path }) => path) };
  }
  return undefined;
}

function matchGroup(images: readonly File[], labels: readonly File[], folder: string | undefined): Group {
  let best: { images: Map<string, File[]>; labels: Map<string, File[]>; matched: number } | undefined;
  for (const way of WAYS) {
    const byImage = collect(images, ({ stem }) => way.image(stem));
    const byLabel = collect(labels, ({ stem }) => way.label(stem));
    const matched = [...byLabel.keys()].filter((name) => byImage.has(name)).length;
    // A way that maps several files to one name is not valid.
    const folds = byImage.size < images.length || byLabel.size < labels.length;
    if (!folds && matched === byLabel.size && matched === byImage.size) {
      const pairs = [...byLabel].map(([name, [label]]) => ({
        image: (byImage.get(name) as [File])[0].path,
        label: label.path,
      }));
      return { pairs, unlabelled: [] };
    }
    if (best === undefined || matched > best.matched) best = { images: byImage, labels: byLabel, matched };
  }
  // A single image and a single label need no matching names.
  if (images.length === 1 && labels.length === 1) {
    return { pairs: [{ image: images[0].path, label: labels[0].path }], unlabelled: [] };
  }
  const some = matchSome(images, labels);
  if (some !== undefined) return some;
  const found = best as NonNullable<typeof best>;
  const sides = [
    { kind: 'image', other: 'label', mine: found.images, others: found.labels },
    { kind: 'label', other: 'image', mine: found.labels, others: found.images },
  ];
  for (const { kind, other, mine, others } of sides) {
    for (const [name, files] of mine) {
      if (files.length > 1 && others.has(name)) {
        const names = files.map((file) => `"${file.path}"`).join(' and ');
        const [partner] = others.get(name) as [File];
        throw new DatasetError(`the ${other} "${partner.path}" has ${files.length} ${kind}s: ${names}.`, {
          file: folder,
          remedy: `Keep one ${kind} for each ${other}.`,
        });
      }
    }
  }
  for (const { kind, other, mine, others } of sides) {
    const lonely = [...mine].filter(([name]) => !others.has(name)).flatMap(([, files]) => files);
    if (lonely.length > 0) {
      const more = lonely.length > 1 ? ` (and ${lonely.length - 1} more ${kind}s)` : '';
      throw new DatasetError(`the ${kind} "${lonely[0]?.path}" has no ${other}${more}.`, {
        file: folder,
        remedy: `Add its ${other} under the same name, or move the ${kind} into a folder of its own.`,
      });
    }
  }
  throw new DatasetError('images and labels do not match by name.', { file: folder, remedy: LAYOUTS });
}

/** The error for a folder without a supported image. */
export function noImages(
  folder: string | undefined,
  {
    leftOut = [],
    extensions,
  }: {
    readonly leftOut?: readonly LeftOut[];
    readonly extensions: readonly string[];
  },
): DatasetError {
  const seen =
    leftOut.length > 0 ? ` (${counted(leftOut.length, 'file')} of other kinds, such as "${leftOut[0]?.file}")` : '';
  return new DatasetError(`there are no images here${seen}.`, {
    file: folder,
    remedy: `Use a folder with ${extensions.map((name) => `.${name}`).join(', ')} files.`,
  });
}

/** @throws DatasetError for two names that look alike: one with composed, one with decomposed letters. */
function requireDistinct(paths: readonly string[], folder: string | undefined): void {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const name = path.normalize('NFC');
    if (seen.has(name)) {
      throw new DatasetError(
        `two files have the name "${name}": one with composed, one with decomposed letters (Unicode NFC and NFD).`,
        { file: folder, remedy: 'Rename or remove one of them.' },
      );
    }
    seen.set(name, path);
  }
}

/** In a folder with both, the file's own name decides; a file without a word for labels is an image. */
function roleByName(file: File): Role {
  return isShapeLabel(file.path) ? 'label' : (roleOf(file.stem) ?? 'image');
}

/**
 * Pairs images with labels by their paths. Supported: folders `image(s)` + `label(s)` or `mask(s)`, also with prefixes
 * and subfolders (`2d_images` + `2d_masks`, `images/train` + `labels/train`, `imagesTr` + `labelsTr` with
 * `_0000`, `inputs` + `targets`); Cell Tracking Challenge (`pairCellTracking`); names `x.png` + `x_mask.png` in one
 * folder; `train-volume.tif` + `train-labels.tif`.
 *
 * @param paths relative, with `/` as separator, in any order. Images may lack labels if each label finds its image by
 * name; they are listed as unlabelled.
 *
 * @throws DatasetError, naming the file, if there are no images or no labels, a label has no image or two, or no image
 * matches, in which case the names are probably wrong.
 */
export function pairFiles(paths: readonly string[], options: PairOptions): Pairing {
  const { folder, extensions, stated = [] } = options;
  if (stated.length === 0) return pairByName(paths, options);
  const byName = pairsByName();
  const labelled = new Set(byName.pairs.map(({ image }) => image));
  const chosen = chooseStated({ pairs: stated }, (image) => labelled.has(image), folder);
  const taken = new Set(chosen.pairs.map(({ image }) => image));
  return {
    pairs: [...byName.pairs, ...chosen.pairs].sort((a, b) => naturalOrder(a.image, b.image)),
    unlabelled: byName.unlabelled.filter((image) => !taken.has(image)),
    leftOut: [...byName.leftOut, ...chosen.leftOut],
  };

  function pairsByName(): Pairing {
    try {
      return pairByName(paths, options);
    } catch (cause) {
      if (factsOf(cause, 'no-labels') === undefined) throw cause;
      const { images, leftOut } = readable(paths, extensions);
      return { pairs: [], unlabelled: images, leftOut };
    }
  }
}

function pairByName(paths: readonly string[], { folder, extensions }: PairOptions): Pairing {
  const { images: files, leftOut: unread } = readable(paths, extensions, isShapeLabel);
  if (files.every(isShapeLabel)) throw noImages(folder, { leftOut: unread, extensions });

  requireDistinct(files, folder);
  const stores = pairStores(files, (image, labels) => {
    const names = labels.map((label) => `"${baseName(label)}"`).join(' and ');
    return new DatasetError(`the image "${image}" has ${labels.length} label images: ${names}.`, {
      file: folder,
      remedy: 'Keep the one to use in its folder "labels".',
    });
  });
  const tracking = pairCellTracking(stores.rest, folder);
  const chosen = chooseShapeFiles((tracking?.rest ?? stores.rest).map(fileOf));
  const leftOut = [...unread, ...chosen.leftOut];
  const pairs: Pair[] = [...stores.pairs, ...(tracking?.pairs ?? [])];
  const unlabelled: string[] = [...(tracking?.unlabelled ?? [])];
  const orphanLabels: string[] = [];
  for (const members of collect(chosen.kept, ({ group }) => group).values()) {
    const byFolder = {
      image: members.filter((file) => file.folderRole === 'image' && !isShapeLabel(file.path)),
      label: members.filter((file) => file.folderRole === 'label' || isShapeLabel(file.path)),
    };
    const twoFolders = byFolder.image.length > 0 && byFolder.label.length > 0;
    const images = twoFolders ? byFolder.image : members.filter((file) => roleByName(file) === 'image');
    const labels = twoFolders ? byFolder.label : members.filter((file) => roleByName(file) === 'label');
    if (labels.length === 0 || images.length === 0) {
      // A folder of one kind: its role decides.
      for (const file of members)
        (file.folderRole === 'label' || images.length === 0 ? orphanLabels : unlabelled).push(file.path);
    } else {
      const matched = matchGroup(images, labels, folder);
      pairs.push(...matched.pairs);
      unlabelled.push(...matched.unlabelled);
    }
  }
  if (orphanLabels.length > 0) {
    const more = orphanLabels.length > 1 ? ` (and ${orphanLabels.length - 1} more labels)` : '';
    throw new DatasetError(`the label "${orphanLabels[0]}" has no image${more}.`, {
      file: folder,
      remedy: 'Use the folder that contains both the images and the labels.',
    });
  }
  if (pairs.length === 0) {
    throw new DatasetError(
      `there ${unlabelled.length === 1 ? 'is 1 image' : `are ${unlabelled.length} images`} (such as "${unlabelled[0]}") but no labels.`,
      {
        file: folder,
        remedy: LAYOUTS,
        facts: { code: 'no-labels', images: unlabelled.length },
      },
    );
  }
  pairs.sort((a, b) => naturalOrder(a.image, b.image));
  return { pairs, unlabelled: unlabelled.sort(naturalOrder), leftOut: [...leftOut, ...(tracking?.leftOut ?? [])] };
}

/** The readable files, in natural order, and the skipped ones with the reason. Hidden files are not mentioned. */
export function readable(
  paths: readonly string[],
  extensions: readonly string[],
  isAlso: (path: string) => boolean = () => false,
): { readonly images: readonly string[]; readonly leftOut: readonly LeftOut[] } {
  const images: string[] = [];
  const leftOut: LeftOut[] = [];
  for (const path of paths) {
    if (path.split('/').some((segment) => segment.startsWith('.') || segment === '__MACOSX')) continue;
    const extension = extensionOf(path);
    if (extensions.includes(extension) || isAlso(path)) images.push(path);
    else if (!SIDE_FILES.has(extension) && baseName(path) !== 'Thumbs.db') {
      leftOut.push({ file: path, reason: `.${extension} is not read` });
    }
  }
  return { images: images.sort(naturalOrder), leftOut };
}
