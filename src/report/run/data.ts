/** Data of a run's report, as JSON: NaN and infinities are `null`. */

/** A score, null if undefined, such as Dice without any foreground. */
export type Score = number | null;

export interface Figure {
  readonly label: string;
  readonly value: string;
  /** A few words shown below it. */
  readonly note?: string;
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: Score])[];
}

/** The course of training, from the run's log. */
export interface TrainingLog {
  readonly loss: Series;
  readonly learningRate?: Series;
  /** The score that selects the best weights, over steps. */
  readonly validation?: Series & { readonly best?: { readonly step: number; readonly value: number } };
  /** Other validation scores, each 0..1. */
  readonly others?: readonly Series[];
}

/** The images in a row of the sheet, in order. */
export const PICTURE_KINDS = ['image', 'truth', 'probability', 'prediction', 'errors'] as const;
export type PictureKind = (typeof PICTURE_KINDS)[number];

/** One image with its predictions and errors. */
export interface ReportImage {
  readonly name: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** PNG data URIs. */
  readonly pictures: Readonly<Record<PictureKind, string>>;
  /** The ranking score of this image. */
  readonly score: Score;
  readonly errors: ErrorCounts;
}

export interface ErrorCounts {
  /** None of strokes, which are no objects. */
  readonly splits?: number;
  readonly merges?: number;
  readonly missedPixels: number;
  readonly falsePixels: number;
  /** Number of scored pixels. */
  readonly pixels: number;
}

/** The window of an image with the most errors. */
export interface ReportCase extends Omit<ReportImage, 'errors'> {
  /** Origin of the window in the image. */
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
  /** Decimals per column; default 4. */
  readonly digits?: readonly number[];
  readonly note?: string;
}

/** Scores of one patient or stack; distances need a pixel size. */
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
export type FactRows = readonly (readonly [name: string, value: string])[];

/** The top of a page. */
export interface PageHead {
  readonly title: string;
  /** One sentence: what was trained or measured on what. */
  readonly summary: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Most important first. */
  readonly headline: readonly Figure[];
  /** Shown above everything else. */
  readonly warning?: string;
}

/** How results came about. */
export interface Method {
  /** Remarks: units, what was excluded. */
  readonly notes: readonly string[];
  readonly facts: FactRows;
  /** Shell commands that reproduce the page. */
  readonly commands: readonly string[];
}

export interface ReportData extends PageHead {
  readonly training?: TrainingLog;
  /** Class 0 first. */
  readonly classNames: readonly string[];
  /** Name of the ranking score. */
  readonly scoreName: string;
  /** A sentence on what the prediction images show and which class is foreground. */
  readonly sheetNote: string;
  readonly sheet: readonly ReportImage[];
  /** Total number of images; the sheet may show fewer. */
  readonly imageCount: number;
  readonly tables: readonly ScoreTable[];
  /** Scores per patient or stack, if slices form a volume or have a pixel size. */
  readonly stacks?: readonly StackScores[];
  readonly thresholds: readonly ThresholdCurves[];
  readonly worst: readonly ReportCase[];
  readonly best: readonly ReportCase[];
  readonly dataset: FactRows;
  readonly network: FactRows;
  readonly machine: FactRows;
  readonly times: FactRows;
  /** Automatic choices with their reasons, one sentence each. */
  readonly decisions: readonly string[];
  /** Shell commands that reproduce this run. */
  readonly commands: readonly string[];
  /** The run's configuration. */
  readonly configuration: unknown;
}

/** `null` for NaN and infinities. */
export function score(value: number | undefined): Score {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
