/** What training needs of the place that a run is kept in; `platform/` has the implementations. */
export interface Store {
  /** For messages: the path of the run folder. */
  readonly name: string;
  /** Path of one of its files, for messages. */
  pathOf(file: string): string;
  /** Names of the files in a folder of the run, sorted; none when there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** The bytes of a file, or nothing when it is not there. */
  read(file: string): Promise<Uint8Array | undefined>;
  /** Replaces a file as a whole: a reader sees the old one or the new one, never a part, also after a power cut. */
  write(file: string, content: Uint8Array | string): Promise<void>;
  /**
   * Adds to the end of a file, which is made if need be.
   * @param lasting whether all that was ever added is to outlast a power cut from now on; default: when the system likes
   */
  append(file: string, text: string, lasting?: boolean): Promise<void>;
  remove(file: string): Promise<void>;
}

/** A run that is only read. */
export type StoreReader = Pick<Store, 'name' | 'pathOf' | 'read'>;

/** Wall-clock time; injected, since the core has no clock. */
export interface Clock {
  /** Milliseconds since any fixed moment, monotonic. */
  nowMs(): number;
}

/** Names of the files of a run. */
export const RUN_FILES = {
  config: 'config.json',
  log: 'log.jsonl',
  checkpoints: 'checkpoints',
  best: 'best.onnx',
  last: 'last.onnx',
  /** The model that the run trains on from, where there is one. */
  start: 'start.onnx',
  report: 'report.html',
  /** Batches on which the loss or the weights ceased to be finite. */
  diverged: 'diverged',
  /** Where the time of the first steps goes, where that was asked for: a table, and ONNX Runtime's trace. */
  profile: 'profile.txt',
  trace: 'profile.json',
} as const;
