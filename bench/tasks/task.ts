/** A piece of work that is timed: made once, done many times. */
export interface Task {
  /** What is worth knowing of how it is done. */
  readonly about?: string;
  /** Does it once. @returns milliseconds, where the task measures for itself. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most tasks return nothing
  run(): Promise<number | void>;
  /** The same by somebody else in the same place (a tab), where the comparison asks for that. */
  readonly peer?: { readonly about: string; run(): Promise<number> };
  close?(): Promise<void>;
}
