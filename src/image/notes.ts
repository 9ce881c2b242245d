import type { Image } from './image.ts';

/** What readers noted of several images: what is true of many is said once. */
export class ImageNotes {
  readonly #sources = new Map<string, Set<string>>();

  /** @param name what the image is called where it has no `source` */
  add({ source, notes = [] }: Pick<Image, 'source' | 'notes'>, name = 'image'): void {
    for (const note of notes) {
      const sources = this.#sources.get(note) ?? new Set();
      this.#sources.set(note, sources.add(source ?? name));
    }
  }

  /** A line a note, in the order in which they came up: `a.nii and 2 more: ...`. */
  lines(): readonly string[] {
    return [...this.#sources].map(([note, sources]) => {
      const [first] = sources;
      return sources.size === 1 ? `${first}: ${note}` : `${first} and ${sources.size - 1} more: ${note}`;
    });
  }
}
