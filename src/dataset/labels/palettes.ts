/** Palettes of label files: values mean classes only if a colour has one value in all files. */

import { DatasetError } from '../../errors.ts';
import type { Image } from '../../image/image.ts';

/** A slice of labels (`LabelPage`). */
interface ColouredPage {
  readonly values: Int32Array | Uint32Array;
  readonly source: string;
  /** Undefined if their file has none, or a grey one. */
  readonly palette?: Image['palette'];
}

/** Collects which value each colour has. Programs that reduce colours to a palette order it by file, as they meet them. */
export class PaletteSurvey {
  readonly #known = new Map<string, { readonly value: number; readonly page: ColouredPage }>();
  #conflict: DatasetError | undefined;

  add(page: ColouredPage): void {
    if (page.palette === undefined) return;
    for (const value of new Set(page.values)) {
      const colour = page.palette[value]?.slice(0, 3).join(', ');
      if (colour === undefined) continue;
      const known = this.#known.get(colour);
      if (known === undefined) this.#known.set(colour, { value, page });
      // One palette may have a colour twice.
      else if (known.value !== value && known.page.palette !== page.palette) {
        this.#conflict ??= new DatasetError(
          `the colour (${colour}) of the palette has the value ${value} here and ${known.value} in "${known.page.source}".`,
          {
            file: page.source,
            remedy: 'Save the labels as RGB, or all with one palette; if the values are right, without a palette.',
          },
        );
      }
    }
  }

  /** @throws DatasetError naming the first colour of which the value differs between files */
  require(): void {
    if (this.#conflict !== undefined) throw this.#conflict;
  }
}

/** @throws as `PaletteSurvey.require`, for labels whose values are classes */
export function requireOnePalette(pages: readonly ColouredPage[]): void {
  const survey = new PaletteSurvey();
  for (const page of pages) survey.add(page);
  survey.require();
}
