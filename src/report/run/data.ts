/** What a report shows. JSON throughout: a value that is not a number is `null`. */

/** A number that may be undefined, such as a score without any foreground. */
export type Score = number | null;

export interface Figure {
  readonly label: string;
  readonly value: string;
  /** A few words below it. */
  readonly note?: string;
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: Score])[];
}

/** What happened in training, as the log of the run has it. */
export interface TrainingLog {
  readonly loss: Series;
  readonly learningRate?: Series;
  /** The score that decides, over steps. */
  readonly validation?: Series & { readonly best?: { readonly step: number; readonly value: number } };
  /** Other scores of the validation, each 0..1. */
  readonly others?: readonly Series[];
}

/** Names of the pictures that a row of the sheet has, in order. */
export const PICTURE_KINDS = ['image', 'truth', 'probability', 'prediction', 'errors'] as const;
export type PictureKind = (typeof PICTURE_KINDS)[number];

/** One image with what was made of it. */
export interface ReportImage {
  readonly name: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** PNG data URIs. */
  readonly pictures: Readonly<Record<PictureKind, string>>;
  /** The deciding score of this image alone. */
  readonly score: Score;
  readonly errors: ErrorCounts;
}

export interface ErrorCounts {
  readonly splits: number;
  readonly merges: number;
  readonly missedPixels: number;
  readonly falsePixels: number;
  /** Pixels that were looked at. */
  readonly pixels: number;
}

/** A window of an image, where it errs most. */
export interface ReportCase extends Omit<ReportImage, 'errors'> {
  /** Where the window starts in the image. */
  readonly xPx: number;
  readonly yPx: number;
}

export interface ScoreTable {
  readonly caption: string;
  readonly columns: readonly { readonly label: string; readonly better?: 'higher' | 'lower' }[];
  readonly rows: readonly {
    readonly name: string;
    readonly values: readonly (Score | string)[];
    /** This run's row. */
    readonly own?: boolean;
  }[];
  /** Digits after the point for each column; default 4. */
  readonly digits?: readonly number[];
  readonly note?: string;
}

/** Of one patient or stack; distances need a pixel size. */
export interface StackScores {
  readonly name: string;
  readonly dice: Score;
  readonly meanMm: Score;
  readonly hd95Mm: Score;
}

export interface ThresholdCurves {
  readonly title: string;
  readonly series: readonly Series[];
  readonly best?: { readonly series: string; readonly threshold: number; readonly value: number };
  readonly better: 'higher' | 'lower';
  readonly note?: string;
}

/** A table of names and values. */
export type Facts = readonly (readonly [name: string, value: string])[];

export interface ReportData {
  readonly title: string;
  /** A sentence on what was learned from what. */
  readonly summary: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The most important first. */
  readonly headline: readonly Figure[];
  readonly training?: TrainingLog;
  /** Class 0 first. */
  readonly classNames: readonly string[];
  /** Name of the score that images are ranked by. */
  readonly scoreName: string;
  /** What the prediction pictures show and which is the foreground, a sentence. */
  readonly sheetNote: string;
  readonly sheet: readonly ReportImage[];
  /** Images in all, where the sheet shows a choice. */
  readonly imageCount: number;
  readonly tables: readonly ScoreTable[];
  /** Where pages lie on each other or have a size: scores of each patient or stack. */
  readonly stacks?: readonly StackScores[];
  readonly thresholds: readonly ThresholdCurves[];
  readonly worst: readonly ReportCase[];
  readonly best: readonly ReportCase[];
  readonly dataset: Facts;
  readonly network: Facts;
  readonly machine: Facts;
  readonly times: Facts;
  /** What was chosen by itself and why, a sentence each. */
  readonly decisions: readonly string[];
  /** Shell commands that make this run again. */
  readonly commands: readonly string[];
  /** The run's configuration as it is. */
  readonly configuration: unknown;
}

/** `null` for NaN and infinities. */
export function score(value: number | undefined): Score {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
