/**
 * What computes for Lamella Studio: reading images, keeping a project, training, previews, segmentation, measuring,
 * export. The page holds an `Engine` and does not know whether it runs in a worker of the tab or in `lamella studio`.
 *
 * @example
 * const engine = await connect(port);
 * engine.subscribe((event) => show(event));
 * const { project } = await engine.create('nuclei');
 * await engine.addFiles([{ path: 's01.tif', content: file }]);
 * await engine.setView({ image: 's01', page: 0, rect: { x: 0, y: 0, width: 512, height: 512 } });
 * await engine.setLive({ on: true, model: 'auto' });
 */

import type { NdArray } from '../array/ndarray.ts';
import type { Facts } from '../errors.ts';
import type { Spacings } from '../image/image.ts';
import type { Project } from '../project/project.ts';
import type { ScoredOn } from '../train/log.ts';
import type { FileContent } from '../workflows/memory-files.ts';

/** The id of an image in `lamella.json`. */
export type ImageId = string;

/** In image pixels. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface EngineDescription {
  /** Where the engine runs: in this tab, or in `lamella studio`. */
  readonly place: 'tab' | 'server';
  /** Lamella's version. */
  readonly version: string;
  /** Devices that training and prediction can use, the best first, in words; software GPUs are left out. */
  readonly devices: readonly { readonly name: string; readonly label: string }[];
  readonly threads: number;
  /** Why there is one thread only, if there is. */
  readonly threadsNote?: string;
  /** Bytes that projects may still take, and take now, if known. */
  readonly storage?: { readonly free: number; readonly used: number; readonly persistent: boolean };
  /** The one project that there is here, to be opened at once. */
  readonly project?: string;
}

export interface ChannelInfo {
  readonly name: string;
  /** Smallest and largest value of the first page. */
  readonly range: readonly [low: number, high: number];
  /** The values shown as black and white at first: the file's window, or quantiles. */
  readonly window: readonly [low: number, high: number];
}

export interface ImageInfo {
  readonly id: ImageId;
  /** Shown name, and path in the project. */
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
  /** Slices times time points; pages are ordered by time, then slice. */
  readonly pages: number;
  readonly slices: number;
  readonly times: number;
  readonly channels: readonly ChannelInfo[];
  /** The channels are red, green and blue of a colour picture. */
  readonly colour: boolean;
  readonly dtype: string;
  readonly spacing: Spacings;
  readonly valueUnit?: string;
  /** What the reader found or had to decide, one sentence each. */
  readonly notes: readonly string[];
}

/** An error as data: what was found, and what to do. */
export interface Problem {
  readonly message: string;
  readonly code: string;
  readonly file?: string;
  readonly remedy?: string;
  /** What was written beside the file of another program. */
  readonly own?: string;
}

export interface ProjectState {
  /** What `open` takes. */
  readonly id: string;
  readonly project: Project;
  readonly images: readonly ImageInfo[];
  /** Models to train on from: ONNX files in the project, such as `models/cells.onnx`. */
  readonly models: readonly string[];
  /**
   * Another tab or server writes this project, or nobody may, which `problems` says with the code `folder-read-only`;
   * nothing can be changed here.
   */
  readonly readOnly: boolean;
  /**
   * The folder of the user's disk that the project is: in `lamella studio` with its full path, in a tab the name of one that
   * the browser has to be asked for.
   */
  readonly folder?: string;
  /** The segmentation that was measured last, such as `predictions/1`: what `measure` takes. None where nothing can be written. */
  readonly prediction?: string;
  /** Which of its objects or areas are left out. */
  readonly filters?: ObjectFilters;
  /**
   * The records of edits that can still be undone, one after another: `History.replay(splitRecords(journal).records)` over
   * the classes and regions of `project` and over `labels`, which have them already.
   */
  readonly journal: Uint8Array;
  /** Some of these edits are not in the files yet, as after a crash; a `saved` event comes when they are. */
  readonly hasUnsaved?: true;
  readonly problems: readonly Problem[];
}

export interface ProjectSummary {
  readonly id: string;
  readonly name: string;
  readonly images: number;
  readonly bytes: number;
  /** ISO dates. */
  readonly changed: string;
  readonly savedToDisk?: string;
  /** The name of the folder that the browser has to be asked for; before it allows it nothing more is known of the project. */
  readonly folder?: string;
}

/** A file that is handed in: of an upload, a drop or a zip. */
export interface GivenFile {
  /** Relative path with `/`, such as `images/s01.tif`. */
  readonly path: string;
  readonly content: FileContent;
}

/** What is new in the project. */
export interface AddedFiles {
  /** As it is now: labels that come first say its kind and classes. */
  readonly project: Project;
  readonly images: readonly ImageInfo[];
  /** Images of before that have got labels, which are read anew. */
  readonly labelled: readonly ImageId[];
  /** As `ProjectState.models` lists them. */
  readonly models: readonly string[];
  readonly problems: readonly Problem[];
}

/** One channel of one page, as read. */
export type Plane = NdArray<'uint8' | 'uint16' | 'int16' | 'int32' | 'uint32' | 'float32'>;

/** What is on the screen. */
export interface View {
  readonly image: ImageId;
  readonly page: number;
  readonly rect: Rect;
}

/** Settings of `train` for a network that fits into memory. */
export type Smaller = NonNullable<Extract<Facts, { readonly code: 'out-of-memory' }>['smaller']>;

export interface LiveOptions {
  readonly on: boolean;
  /** `auto`: the quick model until the network is better. */
  readonly model: 'quick' | 'network' | 'auto';
  /** If the network before did not fit. */
  readonly smaller?: Smaller;
}

export interface StudioTrainOptions {
  readonly minutes?: number;
  readonly steps?: number;
  /** Further settings of `train` by the library's names. */
  readonly settings?: { readonly [name: string]: unknown };
  /** Where weights start: nowhere, the live session, a run of the project, or one of `ProjectState.models`. */
  readonly from: 'scratch' | 'live' | { readonly run: string } | { readonly model: string };
}

/** Why a network is not to be trusted: it does not find what was painted for it. */
export interface RunDoubt {
  /** That it was trained for. */
  readonly steps: number;
  /** The class of which it finds least, and how much of what was painted of it, 0..1. */
  readonly class: string;
  readonly found: number;
}

/** Mean Dice over the classes on pixels that were painted: of a network, and of the quick model beside it. */
export interface PaintedDice {
  readonly network: number;
  readonly quick: number;
}

export interface TrainedRun {
  /** Folder in the project, such as `runs/1`. */
  readonly run: string;
  readonly steps: number;
  /** Of the best model, if something was held out. */
  readonly score?: { readonly name: string; readonly value: number };
  /** Kept with the run in `lamella.json`. */
  readonly doubt?: RunDoubt;
  /** If the quick model agrees better with what was painted. Kept with the run as well. */
  readonly behindQuick?: PaintedDice;
  /** The class on which network and quick model agree least, and their Dice around what is painted, if that is below 0.75. */
  readonly unlikeQuick?: { readonly class: string; readonly dice: number };
  readonly stopped: boolean;
}

/** A run of the project, as far as it has come. */
export interface RunInfo extends Pick<TrainedRun, 'run' | 'score' | 'doubt' | 'behindQuick' | 'unlikeQuick'> {
  /** Steps that are done, and of its plan. */
  readonly steps: number;
  readonly of: number;
  /** Whether `lamella.json` lists it. One that ended with its tab is not listed until it is resumed. */
  readonly isListed: boolean;
}

/** Where to annotate next: a window, with its thumbnail's prediction uncertainty, 0..1. */
export interface CheckPlace extends View {
  readonly uncertainty: number;
  /** Drawn at random, for the estimate of accuracy. */
  readonly random: boolean;
}

/**
 * What becomes of the objects that were found in a segmentation. They are filled, then split, then left out. Of several
 * classes each area, a connected part of one class, is what an object is here, but is never split.
 */
export interface ObjectFilters {
  /** Whether what an object encloses is of it. Default: as it was found: of objects as the model says, of areas no. */
  readonly fillHoles?: boolean;
  /**
   * Whether objects are split at the necks of their outlines, as those that touch are where a network joins them; not
   * where a part would be smaller than the smallest object. Default: no.
   */
  readonly splitNecks?: boolean;
  /** Objects smaller than this many pixels; default 0. */
  readonly minSizePx?: number;
  /** Objects that touch the border of their image; default: they stay. */
  readonly excludeBorder?: boolean;
}

export interface SegmentOptions extends ObjectFilters {
  /** Run folder in the project, or `quick`, the quick model of the live preview as it is now; default: the last run. */
  readonly run?: string;
  readonly images?: readonly ImageId[];
}

export interface SegmentedImages {
  /** Folder in the project, such as `predictions/1`. */
  readonly prediction: string;
  readonly images: readonly { readonly image: ImageId; readonly objects: number; readonly ms: number }[];
  readonly failed: readonly Problem[];
}

export interface TableQuery {
  readonly prediction: string;
  /** What has a row each; default: the objects. Of images as `lamella measure` writes them into `images.csv`. */
  readonly of?: 'objects' | 'images';
  /** By a column's header. */
  readonly sort?: { readonly column: string; readonly descending: boolean };
  /** Rows from this one on, at most so many. */
  readonly offset: number;
  readonly limit: number;
}

export interface TablePage {
  /** Headers, of name and unit as in files, are distinct: images in µm and others in pixels have an `area` each. */
  readonly columns: readonly { readonly name: string; readonly unit?: string; readonly header: string }[];
  readonly rows: readonly (readonly (string | number | null)[])[];
  readonly total: number;
  /** That were measured, with those in which nothing was found. */
  readonly images: number;
  /** Objects with necks, which may be several that touch: how many of a project of objects that are not split there. */
  readonly joined?: number;
  /** Images that the prediction does not have, since they came later. */
  readonly since?: number;
  /** The object of each row, to go there; the row of an image has no box, and the object 0. */
  readonly objects: readonly {
    readonly image: ImageId;
    readonly page: number;
    readonly object: number;
    readonly box?: Rect;
  }[];
}

/** As `lamella measure --format` names them, and what Studio adds. */
export type ExportFormat =
  | 'csv'
  | 'parquet'
  | 'labels'
  | 'roi'
  | 'geojson'
  | 'coco'
  /** The model of a run. */
  | 'onnx'
  /** The same as a package of BioImage.IO. */
  | 'bioimageio'
  /** The quick model of the live preview, as it is now. */
  | 'quick'
  | 'report'
  | 'project';

export interface ExportOptions {
  readonly formats: readonly ExportFormat[];
  readonly prediction?: string;
  readonly run?: string;
}

export interface ExportedFile {
  readonly name: string;
  /** Read in pieces where it is a file, so that large projects need not fit into memory; until the next export. */
  readonly content: FileContent;
  /**
   * Why a zip of the project is not all of it: files that it lists and that are neither there nor in memory, and what could
   * not be written, but for want of space.
   */
  readonly problems: readonly Problem[];
}

/** The map that a model gives for a part of a page. */
export interface PreviewResult {
  /** Class numbers, row by row. */
  readonly classes: Uint8Array;
  /** Probability of that class, 0..255. */
  readonly probability: Uint8Array;
  /** 1 minus the difference of the two largest probabilities, 0..255. */
  readonly uncertainty: Uint8Array;
}

/** Objects of a window and of what lies around it. */
export interface WindowObjects {
  readonly rect: Rect;
  /** [height, width]: 0 background, 1.. objects. */
  readonly objects: NdArray<'uint32'>;
}

export type EngineEvent =
  | ({
      readonly kind: 'preview';
      readonly view: View;
      readonly model: 'quick' | 'network';
      readonly step: number;
      readonly sequence: number;
    } & PreviewResult)
  | {
      readonly kind: 'step';
      readonly step: number;
      readonly of?: number;
      readonly loss: number;
      readonly leftMs?: number;
    }
  | {
      readonly kind: 'validation';
      readonly step: number;
      readonly name: string;
      readonly value: number;
      readonly best: boolean;
      /** What the score rests on: annotated pixels that are held out, and in projects of objects how many of those. */
      readonly on?: ScoredOn;
    }
  | {
      readonly kind: 'live';
      readonly model: 'quick' | 'network' | undefined;
      /** By class in the order of the project, 0..1, of the part `view` of its page. */
      readonly classShares?: readonly number[];
      readonly view?: View;
      /** Before a model can learn: classes that are not painted, of which one more is needed. */
      readonly missing?: readonly string[];
    }
  | {
      readonly kind: 'progress';
      readonly task: 'segment' | 'export' | 'places' | 'open';
      readonly done: number;
      readonly total: number;
      readonly text: string;
    }
  | { readonly kind: 'saved'; readonly sequence: number; readonly atMs: number }
  /** The engine is about to end: edits that it does not have should be recorded now, and `flush` called after the last. */
  | { readonly kind: 'ending' }
  | { readonly kind: 'device'; readonly device: string; readonly why?: string }
  /** What computed has ended and was started again, with the same project; the live preview is off. */
  | { readonly kind: 'restarted' }
  /** The live models had too little memory, and nothing can be computed here any more. */
  | { readonly kind: 'out-of-memory'; readonly problem: Problem; readonly smaller?: Smaller }
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'problem';
      readonly problem: Problem;
      /** Files could not be written: over with the next `saved`. */
      readonly isOfSaving?: true;
    };

/**
 * Every method rejects with a `LamellaError`. Work that takes long reports by events, and ends early through `stop`.
 */
export interface Engine {
  describe(): Promise<EngineDescription>;
  /** Projects kept where the engine runs, newest first. */
  projects(): Promise<readonly ProjectSummary[]>;
  create(name: string): Promise<ProjectState>;
  open(id: string): Promise<ProjectState>;
  /** Takes over a project or a data folder, or its zip, as a project of its own. */
  import(files: readonly GivenFile[], name: string): Promise<ProjectState>;
  /**
   * Opens the folder that the page has put at hand (`putFolderAtHand`) as a project, as it is: nothing is copied, and what is
   * painted is written into it. In a tab only.
   */
  linkFolder(): Promise<ProjectState>;
  /** Moves the open project into the folder at hand, which it then is. In a tab only. @returns the name of the folder */
  moveToFolder(): Promise<string>;
  close(): Promise<void>;
  /** Deletes all that is kept of a project, unless its images are no copies. @returns bytes that were freed */
  forget(id: string): Promise<number>;

  /**
   * Adds images, labels that belong to them or to images of before, and models to train on from: ONNX files, and runs, of
   * which the best model is taken. What cannot be read is told, and the rest is added.
   */
  addFiles(files: readonly GivenFile[]): Promise<AddedFiles>;
  removeImage(image: ImageId): Promise<void>;
  plane(image: ImageId, page: number, channel: number): Promise<Plane>;
  /** RGBA, at most `size` pixels wide and high. */
  thumbnail(
    image: ImageId,
    size: number,
  ): Promise<{ readonly width: number; readonly height: number; readonly rgba: Uint8Array }>;
  /**
   * Labels of one page with every recorded edit: uint8 with 255 for not annotated (classes; the value of a class in
   * `ProjectState.project` is its label), or uint32 with 2147483647 (objects). Undefined: nothing is annotated in the image.
   */
  labels(image: ImageId, page: number): Promise<NdArray<'uint8' | 'uint32'> | undefined>;
  /**
   * Keeps an edit, undo or redo, as `History` gives it to its store, and makes it in the engine's labels. Resolves when it
   * would survive a crash. A record that was kept before is left out: after a broken connection all may be sent again that
   * were not acknowledged. One for which there is no space is made and not kept: an export has it.
   * @returns its number
   */
  record(entry: Uint8Array): Promise<{ readonly sequence: number }>;
  /**
   * Name, task, classes, spacing, settings. Undefined values are left as they are. It refuses another task once something is
   * annotated, and classes that lack an annotated one.
   */
  change(project: Partial<Pick<Project, 'name' | 'task' | 'classes' | 'spacing' | 'settings'>>): Promise<Project>;
  /** Writes label files and `lamella.json` now. */
  flush(): Promise<void>;

  setView(view: View): Promise<void>;
  setLive(options: LiveOptions): Promise<void>;
  /** One update of the preview now, also while the live model is off: the quick model learns from what is painted then. */
  updateLive(): Promise<void>;
  /**
   * The objects of a window by the model whose previews are shown, separated as `segment` does. Projects of objects only,
   * once there is a preview.
   */
  previewObjects(window: View): Promise<WindowObjects>;
  /** A pointer is down: computation waits. */
  setPainting(painting: boolean): Promise<void>;

  train(options: StudioTrainOptions): Promise<TrainedRun>;
  /**
   * Goes on with a run from its last checkpoint: one that was stopped, ended with its tab, or was begun elsewhere. It refuses
   * when what is annotated has changed since.
   */
  resume(run: string): Promise<TrainedRun>;
  /** Those of the project, the oldest first. */
  runs(): Promise<readonly RunInfo[]>;
  /** The command line that does what `train` would with these options. */
  trainCommand(options: StudioTrainOptions): Promise<string>;
  places(limit: number): Promise<readonly CheckPlace[]>;
  segment(options: SegmentOptions): Promise<SegmentedImages>;
  /** Leaves out other objects or areas of a prediction than before, without predicting again. */
  filter(prediction: string, filters: ObjectFilters): Promise<void>;
  /** Object numbers (uint32) or class numbers (uint8) of a segmented page. */
  segmented(prediction: string, image: ImageId, page: number): Promise<NdArray<'uint8' | 'uint32'>>;
  measure(prediction: string): Promise<TablePage>;
  table(query: TableQuery): Promise<TablePage>;
  /**
   * One file, or a zip of several. A zip of the project has what is in memory in place of files that are missing or cannot be
   * written.
   */
  export(options: ExportOptions): Promise<ExportedFile>;
  /** Ends the current training (keeping its best model), segmentation or search for places. */
  stop(): Promise<void>;

  subscribe(listener: (event: EngineEvent) => void): () => void;
  dispose(): Promise<void>;
}
