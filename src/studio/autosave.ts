import type { EngineEvent } from './engine.ts';
import { problemOf } from './error-data.ts';
import type { StudioHost } from './host.ts';
import type { OpenProject } from './open-project.ts';

/** Label files are written when nothing was edited for so long. */
const QUIET_MS = 3000;

/** Writes the files of a project a while after the last edit. */
export class Autosave {
  readonly #host: StudioHost;
  readonly #project: OpenProject;
  readonly #emit: (event: EngineEvent) => void;
  #cancel: () => void = () => undefined;
  /** Whether a pointer is down. */
  isPainting = false;

  constructor(host: StudioHost, project: OpenProject, emit: (event: EngineEvent) => void) {
    this.#host = host;
    this.#project = project;
    this.#emit = emit;
  }

  /** Something was edited. */
  edited(): void {
    this.#cancel();
    this.#cancel = this.#host.after(QUIET_MS, () => {
      if (this.isPainting) this.edited();
      else
        this.flush().catch((cause: unknown) => {
          this.#emit({ kind: 'problem', problem: problemOf(cause), isOfSaving: true });
        });
    });
  }

  /** Writes the files now. */
  async flush(): Promise<void> {
    this.#cancel();
    const { sequence } = this.#project;
    await this.#project.flush();
    this.#emit({ kind: 'saved', sequence, atMs: Date.now() });
  }

  stop(): void {
    this.#cancel();
  }
}
