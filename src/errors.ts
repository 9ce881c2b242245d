/**
 * Every error that Lamella throws on purpose. Each says in one sentence what was found, what was
 * expected and what to do, and carries the data behind the sentence as typed fields.
 */

interface Details {
  /** The file, folder or URL that the error is about. */
  readonly file?: string;
  /** What the reader can do about it, an imperative sentence. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/** Base class: `message` already contains the file and the remedy. */
export class LamellaError extends Error {
  readonly file: string | undefined;
  readonly remedy: string | undefined;

  constructor(problem: string, { file, remedy, cause }: Details = {}) {
    const where = file === undefined ? '' : `${file}: `;
    const help = remedy === undefined ? '' : ` ${remedy}`;
    super(`${where}${problem}${help}`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.file = file;
    this.remedy = remedy;
  }
}

/** The command or the call was wrong: an unknown option, a value out of range. Exit code 2. */
export class UsageError extends LamellaError {}

/** Bytes that are not what they claim to be, or a variety of a format that is not supported. */
export class FormatError extends LamellaError {}

/** A folder, a pairing, labels or sizes that do not make a data set. */
export class DatasetError extends LamellaError {}

/** A graph that breaks a rule: names the node and the shapes. */
export class GraphError extends LamellaError {}

/** A device or execution provider that is absent or that failed. */
export class DeviceError extends LamellaError {}

/** A model file that cannot be used: not ONNX, wrong inputs, classes that do not fit. */
export class ModelError extends LamellaError {}

/** A run folder that is in use, damaged, or belongs to another run. */
export class RunError extends LamellaError {}

/** Training cannot go on: the loss is not finite. Carries where it happened. */
export class TrainingError extends LamellaError {
  readonly step: number;
  constructor(problem: string, details: Details & { readonly step: number }) {
    super(problem, details);
    this.step = details.step;
  }
}

/** The user asked to stop; what was done so far is on disk. */
export class Interrupted extends LamellaError {}
