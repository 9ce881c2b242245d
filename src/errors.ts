/**
 * Every error that Lamella throws deliberately. Each says in one sentence what was found, what was expected and what to
 * do. Programs decide by `code` and its typed facts, never by the sentence.
 */

/** What a program may decide by: a code, with its facts. */
export type Facts =
  /** A known kind of file that Lamella does not support; `what` is a noun phrase such as `an Analyze 7.5 header`. */
  | { readonly code: 'unsupported-format'; readonly what: string }
  /** A file or folder that does not exist. */
  | { readonly code: 'no-file' }
  /** A folder of images without any labels. */
  | { readonly code: 'no-labels'; readonly images: number }
  /** A folder that does not contain a run. */
  | { readonly code: 'no-run' }
  /** A folder that contains a different run. */
  | { readonly code: 'run-exists' }
  /** Another process is writing the run. */
  | { readonly code: 'run-in-use'; readonly processId: number | undefined }
  /** The folder of an open project was renamed, moved or deleted, or another one took its place. */
  | { readonly code: 'folder-gone' }
  /** The folder of a project may not be written to. */
  | { readonly code: 'folder-read-only' }
  /** Another program wrote a label file or the file of an open project; `own` is what was written beside it. */
  | { readonly code: 'labels-elsewhere' | 'project-elsewhere'; readonly own: string }
  /** An image of an open project is no longer there, has other pixels, or has another size. */
  | { readonly code: 'image-gone' | 'image-changed' | 'image-replaced' }
  /** Labels have another size than their image. */
  | { readonly code: 'labels-of-other-size' }
  /** Labels of a project that is opened are missing, and their image opens without any. */
  | { readonly code: 'labels-missing' }
  /** The files of an open project are gone, as when a browser's data are cleared. */
  | { readonly code: 'files-gone' }
  /** A file that a project lists is missing, and not in the copy that was made of it. */
  | { readonly code: 'not-copied' }
  /** The disk, or the storage of a page, is full. */
  | { readonly code: 'no-space' }
  /** The data have changed since the run started. */
  | { readonly code: 'data-changed' }
  /** The device has too little memory; settings of `train` that would need less, where there are any. */
  | {
      readonly code: 'out-of-memory';
      readonly smaller?: { readonly [setting: string]: number | readonly [height: number, width: number] };
      /** Nothing can be computed in this thread any more: WebAssembly's memory is left in disorder. */
      readonly isFinal?: true;
    }
  /** The device is gone: its driver was reset, or took it away. Others may work. */
  | { readonly code: 'device-lost' }
  /** The connection to what computes has ended. */
  | { readonly code: 'disconnected' }
  /** What computes had ended and was started again; the call may have been carried out or not. */
  | { readonly code: 'restarted' }
  /** Another long computation is under way, which can be stopped. */
  | { readonly code: 'busy' }
  /** The loss or the weights are not finite. */
  | { readonly code: 'diverged'; readonly step: number };

/** The default of each class, or the code of its facts. */
export type ErrorCode =
  | 'lamella'
  | 'usage'
  | 'format'
  | 'dataset'
  | 'graph'
  | 'device'
  | 'model'
  | 'run'
  | 'training'
  | 'interrupted'
  | Facts['code'];

interface Details {
  /** The file, folder or URL that the error is about. */
  readonly file?: string;
  /** What the reader can do about it, an imperative sentence. */
  readonly remedy?: string;
  readonly facts?: Facts;
  readonly cause?: unknown;
}

/** Base class: `message` already contains the file and the remedy. */
export class LamellaError extends Error {
  static readonly code: ErrorCode = 'lamella';
  readonly code: ErrorCode;
  readonly facts: Facts | undefined;
  /** The message without file and remedy. */
  readonly problem: string;
  readonly file: string | undefined;
  readonly remedy: string | undefined;

  constructor(problem: string, { file, remedy, facts, cause }: Details = {}) {
    const where = file === undefined ? '' : `${file}: `;
    const help = remedy === undefined ? '' : ` ${remedy}`;
    super(`${where}${problem}${help}`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = facts?.code ?? new.target.code;
    this.facts = facts;
    this.problem = problem;
    this.file = file;
    this.remedy = remedy;
  }
}

/** The command or the call was wrong: an unknown option, a value out of range. Exit code 2. */
export class UsageError extends LamellaError {
  static override readonly code = 'usage';
}

/** Bytes that are not what they claim to be, or an unsupported variant of a format. */
export class FormatError extends LamellaError {
  static override readonly code = 'format';
}

/** A folder, pairing, labels or sizes that do not form a data set. */
export class DatasetError extends LamellaError {
  static override readonly code = 'dataset';
}

/** A graph that breaks a rule: names the node and the shapes. */
export class GraphError extends LamellaError {
  static override readonly code = 'graph';
}

/** A device or execution provider that is missing or failed. */
export class DeviceError extends LamellaError {
  static override readonly code = 'device';
}

/** A model file that cannot be used: not ONNX, wrong inputs, classes that do not match. */
export class ModelError extends LamellaError {
  static override readonly code = 'model';
}

/** A run folder that is in use, damaged, or belongs to another run. */
export class RunError extends LamellaError {
  static override readonly code = 'run';
}

/** Training cannot continue, for example because the loss is not finite. States where it happened. */
export class TrainingError extends LamellaError {
  static override readonly code = 'training';
  readonly step: number;
  constructor(problem: string, details: Details & { readonly step: number }) {
    super(problem, details);
    this.step = details.step;
  }
}

/** The user asked to stop; completed work is on disk. */
export class Interrupted extends LamellaError {
  static override readonly code = 'interrupted';
}

/**
 * The facts of an error if they have this code.
 *
 * @example
 *   factsOf(cause, 'unsupported-format')?.what // 'an Analyze 7.5 header'
 */
export function factsOf<C extends Facts['code']>(cause: unknown, code: C): Extract<Facts, { code: C }> | undefined {
  const facts = cause instanceof LamellaError ? cause.facts : undefined;
  return facts?.code === code ? (facts as Extract<Facts, { code: C }>) : undefined;
}

/**
 * Names an option of the library in a message: `learningRate`, or with its value `ignore: 5`, in backticks.
 * `writeOptions` translates it into what the reader types or clicks.
 */
export function option(name: string, value?: string | number | boolean): string {
  return value === undefined ? `\`${name}\`` : `\`${name}: ${value}\``;
}

/** A count in a message: `1 image`, `12 images`; with a locale, large numbers as it writes them. */
export function counted(count: number, what: string, locale?: string): string {
  return `${locale === undefined ? count : count.toLocaleString(locale)} ${what}${count === 1 ? '' : 's'}`;
}

/** `the only page`, `all 3 pages`. */
export const allOf = (count: number, what: string): string =>
  count === 1 ? `the only ${what}` : `all ${count} ${what}s`;

/** A message with each `option` in it rewritten by `write`, such as `--lr` or the label of a control. */
export function writeOptions(text: string, write: (name: string, value: string | undefined) => string): string {
  return text.replace(/`([a-z]\w*)(?:: ([^`]*))?`/gi, (_, name: string, value?: string) => write(name, value));
}

/** The error for a `name` that is not a key of `known`: "Unknown loss 'x'. Use one of ce, dice." */
export function unknownName(what: string, name: string, known: object): UsageError {
  return new UsageError(`Unknown ${what} '${name}'.`, { remedy: `Use one of ${Object.keys(known).join(', ')}.` });
}
