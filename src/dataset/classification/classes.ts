/** Data sets for image classification: digits, patients, photographs. */

import { counted, DatasetError } from '../../errors.ts';
import type { Page } from '../../input/planes.ts';
import { naturalOrder } from '../discover/names.ts';

/** An image and the index of its class. Vectors of D features are images of one row, D wide. */
export interface ClassSample extends Page {
  /** `train/cat/3.png`, or `train-images[17]` if many images are in one file. */
  readonly name: string;
  readonly label: number;
}

/** The predefined parts of data sets. */
export type ClassPart = 'train' | 'validation' | 'test';

/** The content of a classification data set, in the values of its files. */
export interface RawClasses {
  readonly kind: 'classes';
  /** Its source, for messages. */
  readonly folder: string;
  /** By index. */
  readonly classNames: readonly string[];
  /** Without predefined parts, all samples are in `train`. */
  readonly parts: { readonly [P in ClassPart]: readonly ClassSample[] };
  /** Printed lines. */
  readonly notes: readonly string[];
}

export interface ReadClassesOptions {
  /** Names for classes that are only numbered in the files. */
  readonly classNames?: readonly string[];
  /** Skip unreadable images and report them; by default they are an error. */
  readonly skipBad?: boolean;
}

/** Samples as stored in a file: the class by number or name. */
export interface FoundSample extends Page {
  readonly name: string;
  readonly class: number | string;
}

export type FoundParts = { readonly [P in ClassPart]?: readonly FoundSample[] };

/** The part indicated by the name of a file or folder. */
export function partOfName(name: string): ClassPart | undefined {
  const word = name.toLowerCase();
  if (/^(t10k|test|tst)/.test(word) || /(^|[_-])test$/.test(word)) return 'test';
  if (/^val/.test(word) || /(^|[_-])val(idation)?$/.test(word)) return 'validation';
  if (/^train/.test(word) || /(^|[_-])train(ing)?$/.test(word)) return 'train';
  return undefined;
}

/** The content of files: the samples, the classes in order if the files state them, and notes to print. */
export interface ReadFiles {
  readonly found: FoundParts;
  readonly named?: readonly string[];
  readonly notes?: readonly string[];
}

/**
 * Numbers the classes and counts them. Names are sorted in natural order, numbers are kept.
 * @throws DatasetError for no images, fewer than two classes, a class of another part that is missing in the training
 * images, and numbers that are not classes.
 */
export function gatherClasses(
  folder: string,
  { found, named, notes = [] }: ReadFiles,
  { classNames }: Pick<ReadClassesOptions, 'classNames'> = {},
): RawClasses {
  const train = found.train ?? [];
  if (train.length === 0) {
    throw new DatasetError('there are no images to train on here.', {
      file: folder,
      remedy: 'Use MNIST files, an .npz, a folder with one subfolder per class, or a .csv with file and class.',
    });
  }
  const names = classNamesOf(folder, train, named, classNames);
  const index = new Map(names.map((name, i) => [name, i]));
  const numbered = (part: ClassPart): ClassSample[] =>
    (found[part] ?? []).map(({ class: given, ...page }) => ({ ...page, label: labelOf(page.name, given, part) }));
  const labelOf = (name: string, given: number | string, part: ClassPart): number => {
    const label = typeof given === 'number' ? given : (index.get(given) ?? -1);
    if (Number.isInteger(label) && label >= 0 && label < names.length) return label;
    const where = part === 'train' ? '' : ', which the training images do not have';
    throw new DatasetError(`the class of ${name} is "${given}"${where}. The classes are ${listed(names)}.`, {
      file: folder,
      remedy: 'Correct it, or provide training images of it.',
    });
  };
  const parts = { train: numbered('train'), validation: numbered('validation'), test: numbered('test') };
  for (const part of ['validation', 'test'] as const) requireSameClasses(folder, names, parts, part);
  const counts = countClasses(parts.train, names.length);
  if (counts.filter((count) => count > 0).length < 2) {
    throw new DatasetError('all training images belong to one class.', {
      file: folder,
      remedy: 'Provide images of at least two classes.',
    });
  }
  const without = names.filter((_, i) => counts[i] === 0);
  const lacking = without.length === 0 ? [] : [`there are no training images of ${listed(without)}`];
  return {
    kind: 'classes',
    folder,
    classNames: names,
    parts,
    notes: [...notes, ...describeParts(parts, names), ...lacking],
  };
}

function classNamesOf(
  folder: string,
  train: readonly FoundSample[],
  named: readonly string[] | undefined,
  given: readonly string[] | undefined,
): readonly string[] {
  if (named !== undefined) return named;
  if (train.some((sample) => typeof sample.class === 'string')) {
    return [...new Set(train.map((sample) => String(sample.class)))].sort(naturalOrder);
  }
  let most = 0;
  for (const { class: label, name } of train) {
    if (!Number.isInteger(label) || (label as number) < 0 || (label as number) > 65_535) {
      throw new DatasetError(`the class of ${name} is ${label}.`, {
        file: folder,
        remedy: 'Number classes 0, 1, 2 and so on, to 65535 at most.',
      });
    }
    most = Math.max(most, label as number);
  }
  if (given === undefined) {
    const known = new Set(train.map((sample) => sample.class)).size;
    if (most + 1 > 2 * known) {
      const name = train.find((sample) => sample.class === most)?.name;
      throw new DatasetError(`the class of ${name} is ${most}, and there are images of ${known} classes only.`, {
        file: folder,
        remedy: 'Number classes 0, 1, 2 and so on.',
      });
    }
    return Array.from({ length: most + 1 }, (_, i) => String(i));
  }
  if (given.length <= most) {
    throw new DatasetError(`there are classes up to ${most}, and ${given.length} names.`, {
      file: folder,
      remedy: `Name ${most + 1} classes.`,
    });
  }
  return given;
}

/** The names, only the first few if there are many. */
function listed(names: readonly string[]): string {
  return names.length <= 12 ? names.join(', ') : `${names.slice(0, 10).join(', ')}, ... (${names.length} in all)`;
}

/** Number of images per class. */
export function countClasses(samples: readonly { readonly label: number }[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const { label } of samples) counts[label] = counts[label] + 1;
  return counts;
}

function requireSameClasses(
  folder: string,
  names: readonly string[],
  parts: RawClasses['parts'],
  part: 'validation' | 'test',
): void {
  if (parts[part].length === 0) return;
  const trained = countClasses(parts.train, names.length);
  const counts = countClasses(parts[part], names.length);
  const missing = names.filter((_, i) => trained[i] === 0 && counts[i] > 0);
  if (missing.length > 0) {
    throw new DatasetError(
      `the ${part} images have classes that the training images do not have: ${listed(missing)}.`,
      {
        file: folder,
        remedy: 'Provide training images of every class.',
      },
    );
  }
}

/** `train: 3882 images; normal 388, pneumonia 3494`. */
function describeParts(parts: RawClasses['parts'], names: readonly string[]): string[] {
  return (['train', 'validation', 'test'] as const).flatMap((part) => {
    const samples = parts[part];
    if (samples.length === 0) return [];
    const counts = countClasses(samples, names.length);
    const each = names.map((name, i) => `${name} ${counts[i]}`);
    const some = names.length <= 12 ? each : [...each.slice(0, 5), `... ${names.length} classes`];
    return [`${part}: ${counted(samples.length, 'image')}; ${some.join(', ')}`];
  });
}
