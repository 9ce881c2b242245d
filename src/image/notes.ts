import type { Image } from './image.ts';

/** The readers' notes on several images: a note that applies to many is printed once. */
export class ImageNotes {
  readonly #sources = new Map<string, Set<string>>();

  /** @param name name of the image if it has no `source` */
  add({ source, notes = [] }: Pick<Image, 'source' | 'notes'>, name = 'image'): void {
    for (const note of notes) {
      const sources = this.#sources.get(note) ?? new Set();
      this.#sources.set(note, sources.add(source ?? name));
    }
  }

  /** One line per note, in order of first occurrence: `a.nii and 2 more: ...`. */
  lines(): readonly string[] {
    return [...this.#sources].map(([note, sources]) => {
      const [first] = sources;
      return sources.size === 1 ? `${first}: ${note}` : `${first} and ${sources.size - 1} more: ${note}`;
    });
  }
}
