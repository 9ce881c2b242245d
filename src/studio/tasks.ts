import { UsageError } from '../errors.ts';

/** Long computations, of which one runs at a time. */
export class Tasks {
  #running:
    | { readonly name: string; readonly controller: AbortController; readonly done: Promise<unknown> }
    | undefined;

  /** What is running, such as `training`. */
  get running(): string | undefined {
    return this.#running?.name;
  }

  /** @throws UsageError with the code `busy` while another one runs; as `work` */
  async run<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running !== undefined) {
      throw new UsageError(`The engine is busy with ${this.#running.name}.`, {
        remedy: 'Wait for it, or stop it.',
        facts: { code: 'busy' },
      });
    }
    const controller = new AbortController();
    const done = work(controller.signal);
    this.#running = { name, controller, done };
    try {
      return await done;
    } finally {
      this.#running = undefined;
    }
  }

  /** Ends what is running, and waits until it has. */
  async stop(): Promise<void> {
    this.#running?.controller.abort();
    await this.#running?.done.catch(() => undefined);
  }
}
