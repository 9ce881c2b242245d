/**
 * The plan of a prediction that several processes share: made once, before the first of them writes anything, and the
 * same for all. What a process writes depends on the plan alone, not on how many there are or which it is.
 */

import { LamellaError, option, UsageError } from '../../errors.ts';
import { joinPath, type WritableFiles, writeNew } from '../../files.ts';
import type { ImageInfo } from '../../image/source.ts';
import type { InputScan } from '../../input/input-regions.ts';
import type { BlockSettings } from '../../objects/blocks/separate-block.ts';
import type { RegionPart } from '../predict-regions.ts';
import { differences, namesDiffer, requireSameInput } from './differences.ts';

/** Folder of the plan, and of records, in the folder of results. */
export const RECORDS = '.lamella';

export const planFile = (out: string): string => joinPath(out, RECORDS, 'plan.json');

/** The plan of a measurement, which lies in a folder of its own tables. */
export const measurePlanFile = (out: string): string => joinPath(out, RECORDS, 'measure-plan.json');

/** How objects are separated in an image that is predicted in parts: block by block, in maps that are removed then. */
export interface PlannedObjects {
  /** The OME-Zarr store of the objects, and the folder of what is there before, relative to the folder of results. */
  readonly path: string;
  readonly between: string;
  readonly info: ImageInfo;
  readonly settings: BlockSettings;
  /** Along the axes other than time. */
  readonly block: readonly number[];
  readonly maxWindow: number;
}

/** A result of an image that is predicted in parts: an OME-Zarr store. */
export interface PlannedOutput {
  readonly part: RegionPart;
  /** Relative to the folder of results. */
  readonly path: string;
  readonly info: ImageInfo;
}

/** How an image is predicted in parts. */
export interface PlannedParts {
  /** What the image must be wherever it is read. */
  readonly info: Pick<ImageInfo, 'dtype' | 'axes' | 'shape' | 'spacing' | 'channels'>;
  readonly level: number;
  readonly tile?: number;
  readonly block: readonly [y: number, x: number];
  /** Of each slice, in the order t, z. */
  readonly scans: readonly InputScan[];
  readonly outputs: readonly [PlannedOutput, ...PlannedOutput[]];
  readonly objects?: PlannedObjects;
}

export interface PlannedImage {
  readonly name: string;
  /** Undefined for an image that one process predicts as a whole. */
  readonly parts?: PlannedParts;
}

/** The parts of an image whose objects are separated in them. */
export const withObjects = ({ parts }: PlannedImage): PlannedParts & { readonly objects: PlannedObjects } =>
  parts as PlannedParts & { readonly objects: PlannedObjects };

export interface ShardPlan {
  /** Of this file. */
  readonly version: 1;
  /** What must be the same in every process, by name. */
  readonly facts: Readonly<Record<string, string>>;
  /** Options that must be, by their names in the library. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Largest side of the tiles of images that are predicted as a whole. */
  readonly tile: number;
  readonly images: readonly PlannedImage[];
}

/** The plan in a folder of results; undefined if there is none. @throws LamellaError if it is no plan */
export async function readPlan(files: WritableFiles, out: string): Promise<ShardPlan | undefined> {
  const file = planFile(out);
  if ((await files.kind(file)) === undefined) return undefined;
  try {
    const plan = JSON.parse(new TextDecoder().decode(await files.read(file))) as ShardPlan;
    if (plan.version === 1 && Array.isArray(plan.images)) return plan;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new LamellaError('this is not the plan of a prediction that this version of Lamella reads.', {
    file,
    remedy: `Choose another ${option('out')}, or remove the folder and begin again.`,
  });
}

/** @throws UsageError for a folder that holds a measurement by several jobs */
export async function requireUnmeasured(files: WritableFiles, out: string): Promise<void> {
  if ((await files.kind(measurePlanFile(out))) === undefined) return;
  throw new UsageError('this folder holds a measurement by several jobs.', {
    file: out,
    remedy: `Choose another ${option('out')}.`,
  });
}

/** @throws UsageError for a folder that holds a prediction in shards, whose files another one would replace */
export async function requireUnplanned(files: WritableFiles, out: string): Promise<void> {
  if ((await files.kind(planFile(out))) === undefined) return;
  throw new UsageError('this folder holds a prediction in shards.', {
    file: out,
    remedy: `Go on with it by ${option('shard')} or ${option('stage')}, or choose another ${option('out')}.`,
  });
}

/** Stores a plan, unless another process was quicker. @returns the plan that is there now */
export async function storePlan(files: WritableFiles, out: string, plan: ShardPlan): Promise<ShardPlan> {
  await writeNew(files, planFile(out), `${JSON.stringify(plan, undefined, 1)}\n`);
  return (await readPlan(files, out)) ?? plan;
}

/**
 * Whether a process may work on a plan.
 * @throws UsageError naming everything in which they differ
 */
export function requirePlanned(
  plan: ShardPlan,
  here: Pick<ShardPlan, 'facts' | 'settings'> & { readonly names: readonly string[] },
  out: string,
): void {
  const names = plan.images.map(({ name }) => name);
  const different = [...differences(plan, here), ...namesDiffer('images', names, here.names)];
  if (different.length === 0) return;
  throw new UsageError(`this prediction was planned with another ${different.join('; another ')}.`, {
    file: planFile(out),
    remedy: `Use the same for all of its jobs, or another ${option('out')}.`,
  });
}

/** Whether an image is what was planned. @throws UsageError naming what differs */
export function requireSameImage({ info }: PlannedParts, found: ImageInfo): void {
  requireSameInput<PlannedParts['info']>('image', found.source, info, found);
}
