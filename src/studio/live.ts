/**
 * Models that learn while the user paints, one thing a turn: the labels that changed, a tile of what is visible, or some
 * steps of the network. While a pointer is down, or something else computes, it waits.
 */

import { counted, factsOf, LamellaError, UsageError } from '../errors.ts';
import { Contest } from './contest.ts';
import { leaveLostDevice, smallerAfter } from './device.ts';
import type { EngineEvent, LiveOptions, Rect, Smaller, View, WindowObjects } from './engine.ts';
import { problemOf } from './error-data.ts';
import type { StudioHost } from './host.ts';
import { mappingOf } from './label-files.ts';
import { type LiveData, LiveSource, liveClasses, whatIsMissing } from './live-data.ts';
import { type LiveModel, NetworkRung, QuickRung } from './live-models.ts';
import type { OpenProject } from './open-project.ts';
import { objectsOf, previewOf, tilesOf, withMargin } from './preview.ts';

/** Time of one turn of network training. */
const SLICE_MS = 250;
/**
 * For each new label the network's data are prepared anew: so many times as long as that takes it learns from them before the
 * next ones, but no longer than 2 seconds.
 */
const LEARNING_SHARE = 4;
const LONGEST_MS = 2000;
/**
 * The network is opened when nothing was edited for so long: compiling it takes a second or more, in which no preview
 * follows a stroke.
 */
const QUIET_MS = 1500;
/** Steps between two previews of the network while nothing is painted. */
const PREVIEW_STEPS = 25;

export class Live {
  readonly #host: StudioHost;
  readonly #open: OpenProject;
  readonly #emit: (event: EngineEvent) => void;
  readonly #source: LiveSource;
  #options: LiveOptions = { on: false, model: 'auto' };
  /** One update is wanted, whether it is on or off. */
  #isOnce = false;
  #view: View | undefined;
  #painting = false;
  #paused = 0;
  #closed = false;
  #running: Promise<void> | undefined;
  /** The last use of the models beside the loop. */
  #used: Promise<unknown> = Promise.resolve();
  /** Whether something changed since the last turn began. */
  #isAsked = false;

  /** Grows with every change of labels; and when the last one was. */
  #revision = 1;
  #editedMs = Number.NEGATIVE_INFINITY;
  /** Whether predictions were accepted since the data were read: that says nothing about which model is better. */
  #hasAccepted = false;
  #data: (LiveData & { readonly revision: number; readonly sequence: number }) | undefined;
  #quick: QuickRung | undefined;
  /** The labels that each model has learned from: their revision here, and the last edit in them. */
  #quickLearned = { revision: 0, sequence: 0 };
  #network: NetworkRung | undefined;
  /** What was changed in it for want of memory. */
  #smaller: Smaller = {};
  #networkLearned = { revision: 0, sequence: 0 };
  /** When new labels may reach it. */
  #networkDueMs = 0;
  /** The weights of the network that are shown: those after a turn with new labels, or after some steps. */
  #networkShown = { version: 0, step: 0, revision: 0 };
  #contest = new Contest();
  /** What was shown last: nothing is shown again until the view, the model or its weights change. */
  #shown = { key: '', tiles: [] as Rect[], counts: new Map<number, number>() };
  /** Of the last preview: none is shown that was made of older labels. */
  #sequence = 0;

  constructor(host: StudioHost, open: OpenProject, emit: (event: EngineEvent) => void) {
    this.#host = host;
    this.#open = open;
    this.#emit = emit;
    this.#source = new LiveSource(open);
  }

  set(options: LiveOptions): void {
    if (options.on) this.#open.requireWritable();
    this.#options = options;
    this.#smaller = { ...this.#smaller, ...options.smaller };
    this.#shown.key = '';
    this.#start();
  }

  /**
   * Learns from what is painted now, and shows what is visible: by the quick model, once, if the live model is off; otherwise
   * without waiting for the time at which it would.
   */
  update(): void {
    this.#open.requireWritable();
    this.#isOnce = true;
    this.#networkDueMs = 0;
    this.#shown.key = '';
    this.#start();
  }

  setView(view: View): void {
    this.#view = view;
    this.#start();
  }

  setPainting(painting: boolean): void {
    this.#painting = painting;
    this.#start();
  }

  /** @param isAccepted whether predictions were taken over, rather than painted */
  labelsChanged({ isAccepted = false }: { readonly isAccepted?: boolean } = {}): void {
    this.#revision++;
    this.#editedMs = this.#host.nowMs();
    this.#hasAccepted ||= isAccepted;
    this.#start();
  }

  /** Waits until nothing is computed, and holds still until the returned function is called. */
  async pause(): Promise<() => void> {
    this.#paused++;
    await this.#running;
    return () => {
      this.#paused--;
      this.#start();
    };
  }

  /** The quick model of what is painted now, if it has learned something; for use while the loop holds still. */
  freshQuick(): Promise<LiveModel | undefined> {
    return this.#alone(async () => {
      await this.#refreshQuick();
      return this.#quick !== undefined && this.#quick.step > 0 ? this.#quick : undefined;
    });
  }

  /** What was painted while the live model was off, it has not learned. */
  async #refreshQuick(): Promise<void> {
    if (this.#quick === undefined || this.#quick.step === 0) return;
    const data = await this.#readData();
    if (this.#quickLearned.revision < data.revision && whatIsMissing(data) === undefined) await this.#teachQuick(data);
  }

  async #teachQuick(data: LiveData & { readonly revision: number; readonly sequence: number }): Promise<void> {
    this.#quick ??= new QuickRung(this.#host);
    await this.#quick.learn(data);
    this.#quickLearned = data;
  }

  /**
   * A model as it is now, as an ONNX file.
   * @throws UsageError if there is none
   */
  model(kind: LiveModel['kind']): Promise<Uint8Array> {
    return this.#alone(async () => {
      if (kind === 'network' && this.#network !== undefined) return this.#network.model();
      await this.#refreshQuick();
      if (kind === 'quick' && this.#quick !== undefined && this.#quick.step > 0) {
        return this.#quick.model(mappingOf(this.#open.project));
      }
      throw new UsageError(`The ${kind === 'quick' ? 'quick model' : 'network'} has not learned anything yet.`, {
        remedy: `Paint with the live preview on${kind === 'quick' ? '.' : ', or train from nothing.'}`,
      });
    });
  }

  /**
   * The objects that the model whose previews are shown finds in a window, separated as `segment` does, with what lies around
   * it, since objects at its edges go on there.
   * @throws UsageError in a project of areas, and before there is a preview
   */
  async objects({ image, page, rect }: View): Promise<WindowObjects> {
    const { project } = this.#open;
    if (project.task !== 'objects') throw new UsageError('This project has areas, not objects.');
    return this.#alone(async () => {
      const model = this.#best;
      if (model === undefined || model.step === 0) {
        throw new UsageError('There is no preview yet.', { remedy: 'Switch the live preview on, and wait for it.' });
      }
      const { upright, info } = await this.#open.images.load(project, image);
      const slice = this.#source.pagesOf(upright)[page];
      if (slice === undefined)
        throw new UsageError(`The image '${image}' has ${counted(info.pages, 'page')}, not ${page + 1}.`);
      const around = withMargin(rect, info);
      return { rect: around, objects: objectsOf(await model.predict(slice, around), liveClasses(project)) };
    });
  }

  /** Uses the models beside the loop, which holds still, one use after the other: a network computes one thing at a time. */
  async #alone<T>(use: () => T | Promise<T>): Promise<T> {
    const goOn = await this.pause();
    const used = this.#used.then(use);
    this.#used = used.catch(() => undefined);
    return used.finally(goOn);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    await this.#used;
    await this.#quick?.close();
    await this.#closeNetwork();
  }

  #start(): void {
    this.#isAsked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Asked after the last turn, and before this.
      if (this.#isAsked && !this.#waits) this.#start();
    });
  }

  get #waits(): boolean {
    return this.#painting || this.#paused > 0 || this.#closed || !(this.#options.on || this.#isOnce);
  }

  /** One update while it is off is the quick model's: a network learns only while it is on. */
  get #wanted(): LiveOptions['model'] {
    return this.#options.on ? this.#options.model : 'quick';
  }

  async #run(): Promise<void> {
    try {
      while (!this.#waits) {
        // Messages are read between two turns.
        await this.#breath();
        if (this.#waits) return;
        this.#isAsked = false;
        if ((await this.#turnOnAnyDevice()) || this.#isAsked) continue;
        this.#isOnce = false;
        return;
      }
    } catch (cause) {
      this.#isOnce = false;
      this.#options = { ...this.#options, on: false };
      const problem = problemOf(cause);
      const { isFinal, smaller } = factsOf(cause, 'out-of-memory') ?? {};
      this.#emit(isFinal ? { kind: 'out-of-memory', problem, smaller } : { kind: 'problem', problem });
      this.#emit({ kind: 'live', model: undefined });
    }
  }

  /** A turn; after the loss of the device the models begin anew on the CPU, the network from its last checkpoint. */
  async #turnOnAnyDevice(): Promise<boolean> {
    try {
      return await this.#turn();
    } catch (cause) {
      if (!leaveLostDevice(this.#host, cause, this.#emit)) throw cause;
      await this.#quick?.close().catch(() => undefined);
      this.#quick = undefined;
      this.#quickLearned = { revision: 0, sequence: 0 };
      await this.#closeNetwork();
      return true;
    }
  }

  async #closeNetwork(): Promise<void> {
    await this.#network?.close().catch(() => undefined);
    this.#network = undefined;
    this.#networkLearned = { revision: 0, sequence: 0 };
    this.#contest = new Contest();
    this.#shown.key = '';
  }

  #breath(): Promise<void> {
    return new Promise((resolve) => this.#host.after(0, resolve));
  }

  /** @returns whether there may be more to do */
  async #turn(): Promise<boolean> {
    const data = await this.#readData();
    const missing = whatIsMissing(data);
    if (missing !== undefined) {
      this.#tell({ model: undefined, missing });
      return this.#prepareTile(data);
    }
    // Before it learns, which takes a while.
    if (this.#lacks) this.#tell({ model: undefined });
    const model = this.#wanted;
    if (model !== 'network' && this.#quickLearned.revision < data.revision) {
      await this.#teachQuick(data);
      return true;
    }
    if (await this.#showTile(data)) return true;
    if (model === 'quick') return false;
    return this.#teachNetwork(data);
  }

  async #readData(): Promise<LiveData & { readonly revision: number; readonly sequence: number }> {
    const revision = this.#revision;
    if (this.#data?.revision === revision) return this.#data;
    const hasAccepted = this.#hasAccepted;
    this.#hasAccepted = false;
    const { sequence } = this.#open;
    const data = { ...(await this.#source.read()), revision, sequence };
    if (!hasAccepted && this.#quick !== undefined && this.#network !== undefined) {
      await this.#contest.judge(this.#data, data, this.#quick, this.#network);
    }
    this.#data = data;
    return data;
  }

  /** The model whose previews are shown. */
  get #best(): LiveModel | undefined {
    const model = this.#wanted;
    const network = (this.#network?.step ?? 0) > 0 ? this.#network : undefined;
    if (model === 'network') return network;
    if (model === 'quick') return this.#quick;
    return network !== undefined && this.#contest.networkIsBetter ? network : this.#quick;
  }

  /** Predicts the next tile of what is visible. @returns false if there is nothing left to show */
  async #showTile(data: LiveData): Promise<boolean> {
    const model = this.#best;
    if (model === undefined || model.step === 0) return false;
    const { sequence } = model.kind === 'quick' ? this.#quickLearned : this.#networkLearned;
    if (sequence < this.#sequence) return false;
    const version = model.kind === 'quick' ? model.step : this.#networkShown.version;
    const next = await this.#nextTile([model.kind, version]);
    if (next === undefined) return false;
    const { view, page, rect } = next;
    const { tiles, counts } = this.#shown;
    const { step, kind } = model;
    const result = previewOf(await model.predict(page, rect), data.classes);
    for (const label of result.classes) counts.set(label, (counts.get(label) ?? 0) + 1);
    this.#sequence = sequence;
    this.#emit({ kind: 'preview', view: { ...view, rect }, model: kind, step, sequence, ...result });
    if (tiles.length === 0) {
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      const classShares = data.classes.map(({ label }) => (counts.get(label) ?? 0) / total);
      this.#tell({ model: kind, classShares, view });
    }
    return true;
  }

  /** The next tile of what is visible that was not shown yet in this state of a model. */
  async #nextTile(state: readonly [model: LiveModel['kind'], version: number]) {
    const view = this.#view;
    if (view === undefined || !this.#open.project.images.some(({ id }) => id === view.image)) return undefined;
    const key = JSON.stringify([view, ...state]);
    const { upright, info } = await this.#open.images.load(this.#open.project, view.image);
    if (key !== this.#shown.key) this.#shown = { key, tiles: [...tilesOf(view, info)], counts: new Map() };
    const rect = this.#shown.tiles.shift();
    const page = this.#source.pagesOf(upright)[view.page];
    return rect && page && { view, page, rect };
  }

  /** Until there is enough to learn from, the quick model looks at what is visible. @returns false once it has seen all */
  async #prepareTile(data: LiveData): Promise<boolean> {
    const next = data.pieces.length > 0 && this.#wanted !== 'network' ? await this.#nextTile(['quick', 0]) : undefined;
    if (next === undefined) return false;
    this.#quick ??= new QuickRung(this.#host);
    await this.#quick.prepare(data, next.page, next.rect);
    return true;
  }

  /** Steps of the network for one slice of time. @returns false if it cannot learn from these data */
  async #teachNetwork(data: LiveData & { readonly revision: number; readonly sequence: number }): Promise<boolean> {
    const { nowMs } = this.#host;
    const quietMs = nowMs() - this.#editedMs;
    if (this.#network === undefined && quietMs < QUIET_MS) {
      this.#host.after(QUIET_MS - quietMs, () => this.#start());
      return false;
    }
    let began = nowMs();
    const isDue = this.#network === undefined || began >= this.#networkDueMs;
    if (this.#networkLearned.revision < data.revision && isDue) {
      // Tried once, and learned from if that succeeds.
      this.#networkLearned = { revision: data.revision, sequence: this.#networkLearned.sequence };
      try {
        const raw = await data.pages();
        const { classes } = data;
        if (this.#network === undefined)
          this.#network = await NetworkRung.open(this.#host, this.#open, { raw, classes }, this.#smaller);
        else await this.#network.setData({ raw, classes });
        this.#networkLearned = { revision: data.revision, sequence: data.sequence };
      } catch (cause) {
        if (await this.#makeSmaller(cause)) return true;
        const isEnd = !(cause instanceof LamellaError) || factsOf(cause, 'out-of-memory')?.isFinal;
        if (isEnd || this.#wanted === 'network') throw cause;
        this.#emit({ kind: 'note', text: `The network does not learn from this: ${cause.message}` });
      } finally {
        const taken = nowMs() - began;
        began += taken;
        this.#networkDueMs = began + Math.min(LONGEST_MS, LEARNING_SHARE * taken);
      }
    }
    if (this.#network === undefined) return false;
    try {
      while (!this.#waits && nowMs() - began < SLICE_MS && this.#revision === data.revision)
        await this.#network.learn();
    } catch (cause) {
      if (await this.#makeSmaller(cause)) return true;
      throw cause;
    }
    const { step, loss } = this.#network;
    const shown = this.#networkShown;
    const { revision } = this.#networkLearned;
    if (revision > shown.revision || step - shown.step >= PREVIEW_STEPS) {
      this.#networkShown = { version: shown.version + 1, step, revision };
    }
    if (Number.isFinite(loss)) this.#emit({ kind: 'step', step, loss });
    return true;
  }

  /** Takes a smaller network if there was too little memory. @returns whether there is one */
  async #makeSmaller(cause: unknown): Promise<boolean> {
    const smaller = await smallerAfter(this.#host, cause, this.#smaller, this.#emit);
    if (smaller === undefined) return false;
    this.#smaller = smaller;
    await this.#closeNetwork();
    return true;
  }

  #told = '';
  #lacks = false;
  #tell(state: Omit<Extract<EngineEvent, { kind: 'live' }>, 'kind'>): void {
    const text = JSON.stringify(state);
    if (text !== this.#told) this.#emit({ kind: 'live', ...state });
    this.#told = text;
    this.#lacks = state.missing !== undefined;
  }
}
