/** A piece of work that is timed: made once, done many times. */
export interface Task {
  /** What is worth knowing of how it is done. */
  readonly about?: string;
  /** Does it once. @returns milliseconds, where the task measures for itself. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most tasks return nothing
  run(): Promise<number | void>;
  close?(): Promise<void>;
}
