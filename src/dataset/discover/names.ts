/** Words in file and folder names that distinguish images from labels. */

export type Role = 'image' | 'label';

const IMAGE_WORDS = new Set([
  'image',
  'images',
  'img',
  'imgs',
  'input',
  'inputs',
  'raw',
  'volume',
  'volumes',
  'picture',
  'pictures',
  'photo',
  'photos',
]);
const LABEL_WORDS = new Set([
  'label',
  'labels',
  'labelled',
  'labeled',
  'mask',
  'masks',
  'seg',
  'segs',
  'segmentation',
  'segmentations',
  'target',
  'targets',
  'gt',
  'groundtruth',
  'truth',
  'annotation',
  'annotations',
  'annotated',
  'instance',
  'instances',
  'outline',
  'outlines',
]);

interface Word {
  readonly text: string;
  readonly role: Role | undefined;
}

/** `imagesTr` -> images, Tr; `mask2d` -> mask, 2d; `set1_instances` -> set1, instances. Lower case. */
function wordsOf(name: string): readonly Word[] {
  const words: Word[] = [];
  for (const part of name.split(/[^\p{L}\p{N}]+/u)) {
    if (part === '') continue;
    // A role word may be joined to what follows (imagesTr, mask2d) or follow a lower-case word (trainMask).
    for (const piece of part.split(/(?<=\p{Ll})(?=\p{Lu})/u)) {
      const glued = /^(\p{L}+)(\d.*)$/u.exec(piece);
      const head = glued?.[1]?.toLowerCase();
      if (head !== undefined && roleOfWord(head) !== undefined) {
        words.push(
          { text: head, role: roleOfWord(head) },
          { text: (glued as RegExpExecArray)[2]?.toLowerCase() ?? '', role: undefined },
        );
      } else {
        const text = piece.toLowerCase();
        words.push({ text, role: roleOfWord(text) });
      }
    }
  }
  return words;
}

function roleOfWord(word: string): Role | undefined {
  if (IMAGE_WORDS.has(word)) return 'image';
  return LABEL_WORDS.has(word) ? 'label' : undefined;
}

/** The role indicated by a name, labels before images (`image_mask` is a mask); undefined if no word indicates one. */
export function roleOf(name: string): Role | undefined {
  const words = wordsOf(name);
  if (words.some((word) => word.role === 'label')) return 'label';
  return words.some((word) => word.role === 'image') ? 'image' : undefined;
}

/** The name without role words: the common part of an image's and its labels' names. */
export function commonName(name: string): string {
  return wordsOf(name)
    .filter((word) => word.role === undefined)
    .map((word) => word.text)
    .join('_');
}

/** File name without folder. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Folder of a path, '' at the top level. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/**
 * File name without folder and extension, with composed letters (Unicode NFC) whatever the file system uses;
 * `.ome.tif`, `.ome.zarr`, `.nii.gz` (`.hdr.gz`, `.img.gz`) and `.tar.gz` count as one.
 */
export function stemOf(path: string): string {
  return baseName(path)
    .normalize('NFC')
    .replace(/(\.ome\.(?:tiff?|zarr)|\.(nii|hdr|img|tar)\.gz|\.[^.]*)$/i, '');
}

/** Extension in lower case without the dot, `nii.gz` (`hdr.gz`, `img.gz`) as one, '' if there is none. */
export function extensionOf(path: string): string {
  return (/\.((?:nii|hdr|img)\.gz|[^.]+)$/i.exec(baseName(path))?.[1] ?? '').toLowerCase();
}

/** Natural order: `slice2` before `slice10`. */
export function naturalOrder(a: string, b: string): number {
  const as = a.split(/(\d+)/);
  const bs = b.split(/(\d+)/);
  for (let i = 0; i < Math.min(as.length, bs.length); i++) {
    const x = as[i];
    const y = bs[i];
    if (x === y) continue;
    const byNumber = i % 2 === 1 ? Number(x) - Number(y) : 0;
    if (byNumber !== 0) return byNumber;
    return x < y ? -1 : 1;
  }
  return as.length - bs.length;
}
