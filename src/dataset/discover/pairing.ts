/** The result of pairing images with labels, and its printed form. */

import { addTo } from '../../array/lists.ts';
import { counted } from '../../errors.ts';
import { baseName, folderOf } from './names.ts';

export interface Pair {
  /** Path of the image, relative to the listed folder. */
  readonly image: string;
  /** Path of its labels. */
  readonly label: string;
}

export interface LeftOut {
  readonly file: string;
  readonly reason: string;
}

export interface Pairing {
  readonly pairs: readonly Pair[];
  /** Images without labels: for prediction, not for training. */
  readonly unlabelled: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** Files that form one image. */
export interface JoinedFiles {
  /** `channels`: one channel each, in order; `masks`: one object each. */
  readonly kind: 'channels' | 'masks';
  readonly files: readonly string[];
}

/** A label path for people: of a file that has labels of one image alone, the file. */
export const shownLabel = (path: string): string => path.replace(/\/(segments|shapes)$/, '');

/** Summary of a pairing per folder, printed before training: at most a dozen lines. */
export function describePairing({ pairs, unlabelled, leftOut }: Pairing): string {
  const lines: string[] = [];
  const byFolders = new Map<string, Pair[]>();
  for (const { image, label } of pairs) {
    const pair = { image, label: shownLabel(label) };
    const [images, labels] = [folderOf(pair.image), folderOf(pair.label)];
    const where =
      images === labels
        ? `side by side${images === '' ? '' : ` in ${images}`}`
        : `in ${images || '.'} + ${labels || '.'}`;
    addTo(byFolders, where, pair);
  }
  for (const [where, members] of byFolders) {
    lines.push(`${counted(members.length, 'image')} with labels ${where}`);
    const shown = members.length <= 3 ? members : [members[0], members[members.length - 1]];
    shown.forEach((pair, i) => {
      if (i === 1 && shown.length < members.length) lines.push('  ...');
      lines.push(`  ${baseName(pair.image)} + ${baseName(pair.label)}`);
    });
  }
  const folders = countBy(unlabelled, (path) => folderOf(path) || '.');
  for (const [where, count] of folders) lines.push(`${count} without labels in ${where}, not trained on`);
  for (const [what, count] of countBy(leftOut, ({ file, reason }) => `${folderOf(file) || '.'}: ${reason}`)) {
    lines.push(`${count} left out in ${what}`);
  }
  return lines.join('\n');
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}
