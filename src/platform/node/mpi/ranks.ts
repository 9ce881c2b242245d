/**
 * Data-parallel training over the processes of an MPI job. Rank 0 is the run: it draws the batches, validates and writes.
 * Every rank has the weights, computes the gradient of its rows and updates alike:
 *
 *     exchange   part k of every rank's gradient goes to rank k, which adds them up in order of rank
 *     gather     everybody has all sums
 *
 * Both move as much as an all-reduce does. Unlike one it defines the order of summation: the numbers are those of as many
 * devices in one process (train/parallel.ts), to the last bit, on every rank.
 */
import { createHash } from 'node:crypto';
import { availableParallelism, cpus, hostname } from 'node:os';
import { deserialize, serialize } from 'node:v8';
import { float32, type NdArray, ndarray } from '../../../array/ndarray.ts';
import { DeviceError, option } from '../../../errors.ts';
import type { Graph } from '../../../graph/ir.ts';
import { drawMasks } from '../../../nn/dropout-masks.ts';
import type { Program, Runtime } from '../../../runtime/runtime.ts';
import {
  type GradientDevices,
  rowsOf,
  type SharedParts,
  type SharedStep,
  shareOf,
  weightedSum,
  weightsOfParts,
} from '../../../train/parallel.ts';
import { gradientGraph, gradientName, updateGraph } from '../../../train/step.ts';
import type { State, StepResult } from '../../../train/train-step.ts';
import { processors } from '../processors.ts';
import type { Communicator } from './library.ts';

/** What every rank compiles. */
interface StepGraphs {
  readonly gradient: Graph;
  readonly update: Graph;
  readonly state: { readonly [input: string]: string };
  readonly exact: boolean;
  /** Those that are trained, each with its shape. */
  readonly trained: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Of all parameters. */
  readonly weights: readonly string[];
}

/** One rank's part of a step. */
interface StepOrder {
  readonly rows: State;
  /** W_k / W of every rank. */
  readonly shares: readonly number[];
  readonly learningRate: number;
  /** Whether to compare the weights of all ranks afterwards. */
  readonly compares: boolean;
}

/** What rank 0 tells the others. */
type Order =
  | { readonly kind: 'open'; readonly graphs: StepGraphs }
  | { readonly kind: 'write'; readonly state: State }
  | { readonly kind: 'step'; readonly step: StepOrder }
  | { readonly kind: 'close' }
  | { readonly kind: 'end' };

/** Steps between two comparisons of the weights of all ranks; the first step is followed by one, too. */
const COMPARE_EVERY = 100;

/** Bytes of a report: whether it went well, a number, and what went wrong. */
const REPORT = { bytes: 1024, text: 16 } as const;

/**
 * Tells all ranks how it went on each. To be called by all.
 * @returns the numbers in order of rank
 * @throws DeviceError, on every rank, with what went wrong on any of them
 */
async function agree(mpi: Communicator, own: Promise<number>): Promise<readonly number[]> {
  const report = new Uint8Array(REPORT.bytes);
  const view = new DataView(report.buffer);
  try {
    view.setFloat64(8, await own);
  } catch (cause) {
    view.setUint8(0, 1);
    const text = `rank ${mpi.rank} on ${hostname()}: ${cause instanceof Error ? cause.message : String(cause)}`;
    new TextEncoder().encodeInto(text, report.subarray(REPORT.text));
  }
  const all = await mpi.gather(report);
  const reports = Array.from({ length: mpi.size }, (_, k) => all.subarray(k * REPORT.bytes, (k + 1) * REPORT.bytes));
  const failed = reports.find(([failed]) => failed === 1);
  if (failed !== undefined) {
    const text = new TextDecoder().decode(failed.subarray(REPORT.text)).replace(/\0+$/, '');
    throw new DeviceError(text, {
      remedy: `Everything up to the last checkpoint is saved: continue with ${option('resume')}.`,
    });
  }
  return reports.map(({ buffer, byteOffset }) => new DataView(buffer, byteOffset).getFloat64(8));
}

/** The two programs of a rank. */
class RankStep {
  readonly update: Program;
  readonly #gradient: Program;
  readonly #graphs: StepGraphs;
  readonly #mpi: Communicator;

  private constructor(mpi: Communicator, graphs: StepGraphs, gradient: Program, update: Program) {
    this.#mpi = mpi;
    this.#graphs = graphs;
    this.#gradient = gradient;
    this.update = update;
  }

  /** Compiles on all ranks; to be called by all. */
  static async open(
    mpi: Communicator,
    openRuntime: () => Promise<Runtime>,
    graphs: StepGraphs,
    profile?: SharedParts['profile'],
  ): Promise<RankStep> {
    const { gradient, update, state, exact } = graphs;
    let step: RankStep | undefined;
    const compiled = async (): Promise<number> => {
      const runtime = await openRuntime();
      step = new RankStep(
        mpi,
        graphs,
        await runtime.compile(gradient, { exact }),
        await runtime.compile(update, { state, exact, profile }),
      );
      return 0;
    };
    await agree(mpi, compiled());
    return step as RankStep;
  }

  /** To be called by all, each with its rows. */
  async run({ rows, shares, learningRate, compares }: StepOrder): Promise<StepResult> {
    const { trained, weights } = this.#graphs;
    let own: State = {};
    const losses = await agree(
      this.#mpi,
      this.update
        .readState(weights)
        .then((state) => this.#gradient.run({ ...state, ...rows }))
        .then((outputs) => {
          own = outputs;
          return (outputs.loss as NdArray).data[0] as number;
        }),
    );
    const loss = float32([]);
    weightedSum(
      losses.map((one) => Float32Array.of(one)),
      shares,
      loss.data,
    );
    const sums = await this.#sum(
      trained.map(({ name }) => (own[gradientName(name)] as NdArray<'float32'>).data),
      shares,
    );
    let at = 0;
    const gradients = trained.map(({ name, shape }) => {
      const length = shape.reduce((product, size) => product * size, 1);
      const data = sums.subarray(at, at + length);
      at += length;
      return [gradientName(name), ndarray('float32', shape, data)] as const;
    });
    let outputs: State = {};
    await agree(
      this.#mpi,
      this.update
        .run({ ...Object.fromEntries(gradients), learningRate: float32([], [learningRate]) })
        .then((updated) => {
          outputs = updated;
          return 0;
        }),
    );
    if (compares) await this.#compare();
    return {
      loss: loss.data[0] as number,
      weightsFinite: Number.isFinite((outputs.weightSum as NdArray).data[0]),
      gradientNorm: outputs.gradientNorm?.data[0] as number | undefined,
    };
  }

  /** Sums over all ranks, each times its share, in order of rank. */
  async #sum(own: readonly Float32Array[], shares: readonly number[]): Promise<Float32Array> {
    const { size } = this.#mpi;
    const length = own.reduce((sum, { length }) => sum + length, 0);
    const part = Math.ceil(length / size);
    const flat = new Float32Array(part * size);
    let at = 0;
    for (const data of own) {
      flat.set(data, at);
      at += data.length;
    }
    const received = floatsOf(await this.#mpi.exchange(bytesOf(flat)));
    const sum = new Float32Array(part);
    weightedSum(
      Array.from({ length: size }, (_, k) => received.subarray(k * part, (k + 1) * part)),
      shares,
      sum,
    );
    return floatsOf(await this.#mpi.gather(bytesOf(sum)));
  }

  /** @throws DeviceError if the weights of a rank are not those of rank 0, bit for bit */
  async #compare(): Promise<void> {
    const state = await this.update.readState(this.#graphs.weights);
    const hash = createHash('sha256');
    for (const name of this.#graphs.weights) hash.update(bytesOf((state[name] as NdArray<'float32'>).data));
    const own = hash.digest();
    const all = await this.#mpi.gather(own);
    for (let k = 1; k < this.#mpi.size; k++) {
      if (Buffer.compare(all.subarray(0, own.length), all.subarray(k * own.length, (k + 1) * own.length)) === 0)
        continue;
      throw new DeviceError(`rank ${k} computes other last bits than rank 0, so that their weights grow apart.`, {
        remedy: 'Use machines with the same processors, for example by sbatch --constraint.',
      });
    }
  }

  async close(): Promise<void> {
    await this.#gradient.dispose();
    await this.update.dispose();
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
const floatsOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array =>
  new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT);

/** Where a rank computes: threads, and which of several devices of a kind, if it shares its machine. */
export interface RankPlace {
  readonly hosts: readonly string[];
  readonly threads: number;
  readonly index: number;
}

/** To be called by all. */
export async function rankPlace(mpi: Communicator): Promise<RankPlace> {
  const own = new Uint8Array(256);
  new TextEncoder().encodeInto(hostname(), own);
  const all = await mpi.gather(own);
  const hosts = Array.from({ length: mpi.size }, (_, k) =>
    new TextDecoder().decode(all.subarray(k * own.length, (k + 1) * own.length)).replace(/\0+$/, ''),
  );
  const beside = hosts.flatMap((host, k) => (host === hosts[mpi.rank] ? [k] : []));
  const { count } = processors();
  // mpirun may have given each rank processors of its own.
  const isBound = availableParallelism() < cpus().length;
  return {
    hosts,
    threads: isBound ? count : Math.max(1, Math.floor(count / beside.length)),
    index: beside.indexOf(mpi.rank),
  };
}

/** The ranks of a job, for rank 0. */
export function rankDevices(mpi: Communicator, { hosts }: RankPlace): GradientDevices {
  const names = hosts.map((host, k) => `rank ${k} on ${host}`);
  const others = hosts.flatMap((_, k) => (k === 0 ? [] : [k]));
  const tell = async (order: (rank: number) => Order): Promise<void> => {
    for (const k of others) await mpi.send(serialize(order(k)), k);
  };
  const tellAll = (order: Order): Promise<void> => tell(() => order);
  return {
    names,
    async openStep(
      recipe,
      build,
      runtime,
      { options, loss, optimizer, step, profile, hasStatistics },
    ): Promise<SharedStep> {
      const share = shareOf(recipe, names, hasStatistics);
      const { graph, state } = updateGraph(step.parameters, optimizer, options);
      const graphs: StepGraphs = {
        gradient: gradientGraph(build(share), loss, options),
        update: graph,
        state,
        exact: recipe.exact,
        trained: step.trained.map(({ value: { name, shape } }) => ({ name, shape })),
        weights: step.parameters.map(({ value }) => value.name),
      };
      await tellAll({ kind: 'open', graphs });
      const own = await RankStep.open(mpi, async () => runtime, graphs, profile);
      return {
        fingerprint: own.update.fingerprint,
        trainStep: {
          async run({ feeds }, number, learningRate) {
            const all = { ...feeds, ...drawMasks(step.masks, recipe.seed, number) };
            const shares = weightsOfParts(feeds, mpi.size);
            const orderOf = (k: number): StepOrder => ({
              rows: Object.fromEntries(Object.entries(all).map(([name, array]) => [name, rowsOf(array, k, mpi.size)])),
              shares,
              learningRate,
              compares: number % COMPARE_EVERY === 0,
            });
            await tell((k) => ({ kind: 'step', step: orderOf(k) }));
            return own.run(orderOf(0));
          },
          readState: (some) => own.update.readState(some),
          async writeState(values) {
            await tellAll({ kind: 'write', state: values });
            await agree(
              mpi,
              own.update.writeState(values).then(() => 0),
            );
          },
        },
        async close() {
          await tellAll({ kind: 'close' });
          await own.close();
        },
      };
    },
  };
}

/** Lets the other ranks go; for rank 0, when it is done or has failed. */
export async function dismissRanks(mpi: Communicator): Promise<void> {
  for (let k = 1; k < mpi.size; k++) await mpi.send(serialize({ kind: 'end' } satisfies Order), k);
  await mpi.end();
}

/** What the other ranks do: they follow rank 0 until it lets them go. */
export async function followRankZero(mpi: Communicator, openRuntime: () => Promise<Runtime>): Promise<void> {
  let step: RankStep | undefined;
  for (;;) {
    const order = deserialize(await mpi.receive(0)) as Order;
    if (order.kind === 'end') break;
    try {
      if (order.kind === 'open') step = await RankStep.open(mpi, openRuntime, order.graphs);
      else if (order.kind === 'step') await step?.run(order.step);
      else if (order.kind === 'write') {
        await agree(
          mpi,
          (step as RankStep).update.writeState(order.state).then(() => 0),
        );
      } else await step?.close();
    } catch (cause) {
      // Rank 0 has the same error, says so, and ends the job.
      if (!(cause instanceof DeviceError)) throw cause;
    }
  }
  await mpi.end();
}
