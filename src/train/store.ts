/** The storage of a run as training needs it; implemented in `platform/`. */
export interface Store {
  /** For messages: the path of the run folder. */
  readonly name: string;
  /** Path of one of its files, for messages. */
  pathOf(file: string): string;
  /** Sorted names of the files in a folder of the run; empty if there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** The bytes of a file, or undefined if it does not exist. */
  read(file: string): Promise<Uint8Array | undefined>;
  /** Replaces a file atomically: a reader sees the old or the new one, never a part, even after a power failure. */
  write(file: string, content: Uint8Array | string): Promise<void>;
  /**
   * Appends to a file, creating it if necessary.
   * @param lasting whether everything appended so far must survive a power failure from now on; default: up to the
   * system
   */
  append(file: string, text: string, lasting?: boolean): Promise<void>;
  remove(file: string): Promise<void>;
}

/** A read-only run. */
export type StoreReader = Pick<Store, 'name' | 'pathOf' | 'read'>;

/** Wall-clock time; injected, since the core has no clock. */
export interface Clock {
  /** Milliseconds since an arbitrary fixed moment, monotonic. */
  nowMs(): number;
}

/** Names of the files of a run. */
export const RUN_FILES = {
  config: 'config.json',
  log: 'log.jsonl',
  checkpoints: 'checkpoints',
  best: 'best.onnx',
  last: 'last.onnx',
  /** The model that is fine-tuned, if any. */
  start: 'start.onnx',
  report: 'report.html',
  /** Batches on which the loss or the weights became non-finite. */
  diverged: 'diverged',
  /** On request: the distribution of the time of the first steps as a table, and ONNX Runtime's trace. */
  profile: 'profile.txt',
  trace: 'profile.json',
} as const;

/** Names of the files of a run of folds, beside the folders of its folds. */
export const FOLDS_FILES = {
  /** The folds, what they took, and the scores of cross-validation. */
  record: 'folds.json',
  /** The mean of the folds as one network. */
  model: 'ensemble.onnx',
  report: 'report.html',
} as const;

/** The folder of a fold in that of all. */
export const foldFolder = (fold: number): string => `fold-${fold}`;
