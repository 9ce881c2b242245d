/** The two models that learn while the user paints. Each is as far as its last `learn`. */

import { NOT_ANNOTATED } from '../annotate/label-values.ts';
import { cutBox } from '../array/cut-box.ts';
import type { NdArray } from '../array/ndarray.ts';
import type { LabelMapping } from '../dataset/labels/labels.ts';
import type { RawDataset, RawPage } from '../dataset/raw.ts';
import { RunError } from '../errors.ts';
import { joinPath } from '../files.ts';
import { graphMacs } from '../graph/analysis/cost.ts';
import { editOnnx } from '../graph/onnx/edit.ts';
import { readSignature } from '../graph/onnx/model.ts';
import { fitInput, prepareInput } from '../input/network-input.ts';
import type { InputSpec, NormalisationOptions } from '../input/normalise.ts';
import type { Page } from '../input/planes.ts';
import { FILTER_REACH_PX } from '../models/filter-bank.ts';
import { type ModelMetadata, metadataEntry, readMetadata } from '../models/metadata.ts';
import { predictionGraph } from '../models/prediction.ts';
import { type OpenedModel, openOwnModel } from '../predict/own.ts';
import { type PageRegion, predictPlanes } from '../predict/predict.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { readConfig } from '../train/config.ts';
import { trainingFlops } from '../train/device-speed.ts';
import type { DeviceSpeeds } from '../train/kept-speeds.ts';
import { classInfos } from '../train/model-file.ts';
import { type LearnedQuick, learnQuick } from '../train/quick.ts';
import { openSession, recipeFor, type Session } from '../train/session.ts';
import { RUN_FILES } from '../train/store.ts';
import type { FilteredPart } from '../train/tasks/segmentation/pixel-source.ts';
import { withProjectSettings } from '../workflows/project-settings.ts';
import type { Smaller } from './engine.ts';
import { FilteredSquares, SQUARE_PX } from './filtered-squares.ts';
import type { StudioHost, StudioSessionPlace } from './host.ts';
import type { LiveData, LivePiece } from './live-data.ts';
import type { OpenProject } from './open-project.ts';
import { FOLDERS } from './project-folder.ts';

export interface LiveModel {
  readonly kind: 'quick' | 'network';
  /** Steps of the network, or how often the quick model has learned; 0: it cannot predict yet. */
  readonly step: number;
  /** Probabilities [classes, height, width] of a region. */
  predict(page: Page, region: PageRegion): Promise<NdArray<'float32'>>;
  close(): Promise<void>;
}

const isSquare = ({ width, height }: PageRegion): boolean => Math.max(width, height) <= SQUARE_PX;

/** Where what the filters see of a piece begins. */
const before = (edge: number): number => Math.max(0, edge - FILTER_REACH_PX);

/** Values are normalised before: pieces of a page with what the whole page has. */
const AS_GIVEN: NormalisationOptions = { kind: 'zscore', given: { mean: [0], std: [1] } };

/** Fixed filters and a small perceptron, trained from nothing each time. */
export class QuickRung implements LiveModel {
  readonly kind = 'quick';
  readonly #host: StudioHost;
  #runtime: Runtime | undefined;
  #learned: LearnedQuick | undefined;
  /** What was learned, opened for regions that are larger than squares. */
  #whole: OpenedModel | undefined;
  #squares: FilteredSquares | undefined;
  #step = 0;
  /** How pages become input, as long as the same ones are annotated; and those that did. */
  #input: { readonly pages: string; readonly spec: InputSpec } | undefined;
  #planes = new WeakMap<Page['data'], Float32Array>();

  constructor(host: StudioHost) {
    this.#host = host;
  }

  get step(): number {
    return this.#step;
  }

  /** @throws as `trainQuick` */
  async learn({ pieces, declared }: LiveData): Promise<void> {
    const runtime = await this.#takeInput(pieces);
    const raw: RawDataset = { folder: 'live', notes: [], declared, pages: pieces.map((piece) => this.#rawPage(piece)) };
    const filtered = await this.#filtered(pieces);
    this.#learned = await learnQuick(runtime, raw, { normalisation: AS_GIVEN, filtered });
    await this.#whole?.program.dispose();
    this.#whole = undefined;
    this.#step++;
  }

  /** Has the filters look at a region, before there is enough to learn from. */
  async prepare({ pieces }: Pick<LiveData, 'pieces'>, page: Page, region: PageRegion): Promise<void> {
    // What was learned has its own input.
    if (this.#step > 0) return;
    await this.#takeInput(pieces);
    if (isSquare(region)) await this.#squares?.features({ ...page, planes: this.#prepared(page) }, region);
  }

  /** Decides how pages become input, from those that are annotated. */
  async #takeInput(pieces: readonly LivePiece[]): Promise<Runtime> {
    this.#runtime ??= await this.#host.openRuntime();
    const pages = new Map(pieces.map(({ pageName, page }) => [pageName, page]));
    const names = [...pages.keys()].join('\n');
    if (this.#input?.pages !== names) {
      const { input } = fitInput([...pages.values()]);
      if (JSON.stringify(input) !== JSON.stringify(this.#input?.spec)) {
        this.#planes = new WeakMap();
        await this.#squares?.dispose();
        this.#squares = new FilteredSquares(this.#runtime, input.channels.count);
      }
      this.#input = { pages: names, spec: input };
    }
    return this.#runtime;
  }

  #prepared(page: Page): Float32Array {
    const planes = this.#planes.get(page.data) ?? prepareInput(page, (this.#input as { spec: InputSpec }).spec);
    this.#planes.set(page.data, planes);
    return planes;
  }

  /** What the filters give on the squares of pieces, in their pages; undefined for more squares than are kept. */
  async #filtered(pieces: readonly LivePiece[]): Promise<ReadonlyMap<string, FilteredPart> | undefined> {
    const squares = this.#squares as FilteredSquares;
    if (!squares.keeps(pieces.length)) return undefined;
    const parts = new Map<string, FilteredPart>();
    for (const {
      key,
      page,
      box: [x, y],
    } of pieces) {
      const features = await squares.features({ ...page, planes: this.#prepared(page) }, { x, y });
      parts.set(key, { y: y - before(y), x: x - before(x), features });
    }
    return parts;
  }

  /** A piece with what the filters see around it. */
  #rawPage({ key, page, box: [x, y, wide, tall], labels }: LivePiece): RawPage {
    const planes = this.#prepared(page);
    const channels = planes.length / (page.width * page.height);
    const [left, top] = [before(x), before(y)];
    const width = Math.min(page.width, x + wide + FILTER_REACH_PX) - left;
    const height = Math.min(page.height, y + tall + FILTER_REACH_PX) - top;
    const data = cutBox(planes, channels, page, { y: top, x: left, height, width });
    const notAnnotated = labels instanceof Uint8Array ? NOT_ANNOTATED.classes : NOT_ANNOTATED.objects;
    const values = new Int32Array(width * height).fill(notAnnotated);
    for (let row = 0; row < tall; row++) {
      values.set(labels.subarray(row * wide, (row + 1) * wide), (row + y - top) * width + x - left);
    }
    const label = { values, width, height, colour: false, source: key };
    return { data, channels, width, height, name: key, file: key, page: 0, label };
  }

  async predict(page: Page, region: PageRegion): Promise<NdArray<'float32'>> {
    const learned = this.#learned as LearnedQuick;
    const prepared = { ...page, planes: this.#prepared(page) };
    if (isSquare(region)) return (this.#squares as FilteredSquares).predict(learned, prepared, region);
    this.#whole ??= await openOwnModel(this.#runtime as Runtime, learned.bytes);
    return predictPlanes(this.#whole, prepared, { region });
  }

  /**
   * As an ONNX file for whole images, which it has not seen: it learned from prepared pieces and the numbers in layers.
   * @param inFiles which values of the project's label files are which class
   */
  model(inFiles: LabelMapping): Uint8Array {
    const { bytes } = this.#learned as LearnedQuick;
    const metadata = readMetadata(readSignature(bytes)) as ModelMetadata;
    const learned = metadata.training?.labels as unknown as LabelMapping;
    const classes = learned.classes.map((own) => inFiles.classes.find(({ name }) => name === own.name) ?? own);
    const labels: LabelMapping = { ...learned, classes, ignore: inFiles.ignore };
    type Fields = ModelMetadata['input'];
    return editOnnx(bytes, {
      metadata: metadataEntry({
        ...metadata,
        input: (this.#input as { readonly spec: InputSpec }).spec as unknown as Fields,
        classes: classInfos(labels),
        training: { network: metadata.network, labels: labels as unknown as Fields },
      }),
    });
  }

  async close(): Promise<void> {
    // With it all programs.
    await this.#runtime?.dispose();
    this.#runtime = undefined;
  }
}

/** Whole annotated pages. */
export interface NetworkData extends Pick<LiveData, 'classes'> {
  readonly raw: RawDataset;
}

/** Channels of the first level, the widest first. */
const WIDTHS = [32, 24, 16, 12, 8] as const;
const DEPTH = 3;
/** What a preview of `PREVIEW_PX` squared may take. */
const PREVIEW_MS = 400;
const PREVIEW_PX = 512;

/** A U-Net that goes on from where it is when the labels change. */
export class NetworkRung implements LiveModel {
  readonly kind = 'network';
  readonly #place: StudioSessionPlace;
  readonly #session: Session;

  private constructor(place: StudioSessionPlace, session: Session) {
    this.#place = place;
    this.#session = session;
  }

  /**
   * Opens the session of a project, or begins one if it has none for these classes and channels.
   * @param smaller settings of a network that fits into memory, if the one that there was does not
   * @throws as `openSession`
   */
  static async open(
    host: StudioHost,
    open: OpenProject,
    data: NetworkData,
    smaller: Smaller = {},
  ): Promise<NetworkRung> {
    const folder = joinPath(open.folder, FOLDERS.own, 'live');
    const place = await host.openSessionPlace(folder);
    try {
      const kept = Object.keys(smaller).length === 0 ? await keptRecipe(place, data) : undefined;
      if (kept === undefined) for (const file of Object.values(RUN_FILES)) await place.store.remove(file);
      const recipe = kept ?? (await newRecipe(place, host, open, data, smaller));
      const session = await openSession(recipe, { ...place, checkpointEvery: { ms: 30_000 } });
      await session.setData(data.raw);
      return new NetworkRung(place, session);
    } catch (cause) {
      await place.close();
      throw cause;
    }
  }

  get step(): number {
    return this.#session.state().step;
  }

  get loss(): number {
    return this.#session.state().loss;
  }

  /** @throws as `Session.setData` */
  async setData({ raw }: NetworkData): Promise<void> {
    await this.#session.setData(raw);
  }

  /** One step. @throws as `Session.steps` */
  learn(): Promise<void> {
    return this.#session.steps(1);
  }

  predict(page: Page, region: PageRegion): Promise<NdArray<'float32'>> {
    return this.#session.predict(page, region);
  }

  /** As an ONNX file. */
  model(): Promise<Uint8Array> {
    return this.#session.model();
  }

  async close(): Promise<void> {
    try {
      await this.#session.close();
    } finally {
      await this.#place.close();
    }
  }
}

/** The recipe of the session that is in a place, if it learns the same classes. */
async function keptRecipe({ store }: StudioSessionPlace, { raw, classes }: NetworkData) {
  if ((await store.read(RUN_FILES.config)) === undefined) return undefined;
  try {
    const { recipe } = await readConfig(store);
    const names = recipe.labels.classes.filter(({ values }) => values !== 'rim').map(({ name }) => name);
    const { input } = recipe;
    const channels = 'channels' in input && typeof input.channels === 'object' ? input.channels.count : undefined;
    const isSame = String(names) === String(classes.map(({ name }) => name));
    if (isSame && channels === raw.pages[0]?.channels) return recipe;
  } catch (cause) {
    if (!(cause instanceof RunError)) throw cause;
  }
  return undefined;
}

const UNKNOWN: DeviceSpeeds = { get: async () => undefined, set: async () => {} };

async function newRecipe(
  place: StudioSessionPlace,
  host: StudioHost,
  open: OpenProject,
  { raw, classes }: NetworkData,
  smaller: Smaller,
) {
  const { project, folder } = open;
  const runtime = await place.openRuntime();
  let flops: number;
  try {
    flops = await trainingFlops(runtime, host, place.speeds ?? UNKNOWN);
  } finally {
    await runtime.dispose();
  }
  const { channels = 1 } = raw.pages[0] ?? {};
  const numClasses = classes.length + (project.task === 'objects' ? 1 : 0);
  const baseChannels =
    WIDTHS.find((base) => {
      const spec = { name: 'unet', channels, numClasses, baseChannels: base, depth: DEPTH, norm: 'weight' } as const;
      const macs = graphMacs(predictionGraph(spec, [1, channels, PREVIEW_PX, PREVIEW_PX]));
      return (2 * macs) / flops <= PREVIEW_MS / 1000;
    }) ?? 8;
  const given = { network: 'unet', baseChannels, depth: DEPTH, split: { fraction: 0 }, ...smaller } as const;
  const settings = withProjectSettings({ project: { ...project, settings: {} }, folder }, given);
  return recipeFor(raw, settings, place).recipe;
}
