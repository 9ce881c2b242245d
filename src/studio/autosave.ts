import { factsOf } from '../errors.ts';
import type { EngineEvent } from './engine.ts';
import { problemOf } from './error-data.ts';
import type { StudioHost } from './host.ts';
import type { OpenProject } from './open-project.ts';

/** Label files are written when nothing was edited for so long. */
const QUIET_MS = 3000;

export const isFolderGone = (cause: unknown): boolean => factsOf(cause, 'folder-gone') !== undefined;

/** Writes the files of a project a while after the last edit. */
export class Autosave {
  readonly #host: StudioHost;
  readonly #project: OpenProject;
  readonly #emit: (event: EngineEvent) => void;
  #cancel: () => void = () => undefined;
  /** Whether a pointer is down. */
  isPainting = false;
  #isStopped = false;
  /** Whether it was told that the folder is gone. */
  #isGone = false;

  constructor(host: StudioHost, project: OpenProject, emit: (event: EngineEvent) => void) {
    this.#host = host;
    this.#project = project;
    this.#emit = emit;
  }

  /** Something was edited. */
  edited(): void {
    this.#cancel();
    if (this.#isStopped) return;
    this.#cancel = this.#host.after(QUIET_MS, () => {
      if (this.isPainting) this.edited();
      else this.flush().catch((cause: unknown) => this.#failed(cause));
    });
  }

  #failed(cause: unknown): void {
    const isGone = isFolderGone(cause);
    if (!isGone || !this.#isGone) this.#emit({ kind: 'problem', problem: problemOf(cause) });
    this.#isGone = isGone;
  }

  /** Writes the files now; again and again while the folder of the project is gone, until it is back. */
  async flush(): Promise<void> {
    this.#cancel();
    const { sequence } = this.#project;
    try {
      await this.#project.flush();
    } catch (cause) {
      if (isFolderGone(cause)) this.edited();
      throw cause;
    }
    this.#isGone = false;
    this.#emit({ kind: 'saved', sequence, atMs: Date.now() });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }
}
