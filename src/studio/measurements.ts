/** The measurements of one open project, one at a time, so that none reads files that a filter is writing. */

import type { ObjectFilters } from './engine.ts';
import type { StudioHost } from './host.ts';
import type { Measured } from './measuring.ts';
import type { OpenProject } from './open-project.ts';
import { filterPrediction } from './segmenting.ts';

export class Measurements {
  readonly #host: StudioHost;
  readonly #project: OpenProject;
  /** By the folder of the prediction, with the images that there were. */
  readonly #known = new Map<string, { readonly images: string; readonly measured: Measured }>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: StudioHost, project: OpenProject) {
    this.#host = host;
    this.#project = project;
  }

  /** What was measured, or is now. @throws as `measurePrediction` */
  of(prediction: string): Promise<Measured> {
    return this.#next(async () => {
      const known = this.#known.get(prediction);
      return known?.images === this.#images ? known.measured : await this.#measure(prediction);
    });
  }

  get #images(): string {
    return JSON.stringify(this.#project.project.images.map(({ file, crc32 }) => [file, crc32]));
  }

  /** @throws as `measurePrediction` */
  anew(prediction: string): Promise<Measured> {
    return this.#next(() => this.#measure(prediction));
  }

  /** @throws as `filterPrediction` */
  filter(prediction: string, filters: ObjectFilters): Promise<void> {
    return this.#next(async () => {
      this.#known.delete(prediction);
      await filterPrediction(this.#host, this.#project, prediction, filters);
    });
  }

  /** Waits for those that were asked for. */
  async settled(): Promise<void> {
    await this.#last;
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #measure(prediction: string): Promise<Measured> {
    const { countJoined, measurePrediction } = await import('./measuring.ts');
    const images = this.#images;
    const found = await measurePrediction(this.#host, this.#project, prediction);
    const measured = { ...found, joined: await countJoined(this.#host, this.#project, prediction) };
    this.#known.set(prediction, { images, measured });
    return measured;
  }
}
