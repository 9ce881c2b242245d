/**
 * Label maps measured by several processes: each counts the objects of some of their blocks, then measures them, when all
 * are counted, and the tables are made of what they kept.
 */

import { decodeRecord, encodeRecord } from '../../array/record.ts';
import { factsOf, LamellaError, option, UsageError } from '../../errors.ts';
import { joinPath, type WritableFiles, writeNew } from '../../files.ts';
import type { ImageInfo } from '../../image/source.ts';
import {
  type CountsRecord,
  countsOfRecord,
  countsRecord,
  type ValuesRecord,
  valuesOfRecord,
  valuesRecord,
} from '../../measure/measure-records.ts';
import type { ContentStamp } from '../content-stamp.ts';
import { differences, namesDiffer, requireSameInput, type Shared } from '../shards/differences.ts';
import { measurePlanFile, RECORDS, requireUnplanned } from '../shards/plan.ts';
import type { PartCounts, PartPlace, PartValues } from './part-records.ts';

/** What is kept of each block. */
export type MeasuredPart = 'counts' | 'values';

/** A label map or an image, as it has to be in every process. */
export type PlannedInput = Pick<ImageInfo, 'dtype' | 'axes' | 'shape' | 'spacing'> &
  ContentStamp & {
    /** In full. */
    readonly path: string;
  };

/** What a measurement was begun with. */
export interface MeasurePlan extends Shared {
  /** Of this file. */
  readonly version: 1;
  /** By name. */
  readonly maps: Readonly<Record<string, PlannedMap>>;
}

/** What is read of a label map, and how it is called in messages with the option that sets it. */
export const PLANNED_INPUTS = {
  labels: { noun: 'label map' },
  image: { noun: 'image', by: 'images' },
  truth: { noun: 'ground truth', by: 'truth' },
  classes: { noun: 'map of classes' },
} as const;
type InputName = keyof typeof PLANNED_INPUTS;

interface PlannedMap extends Readonly<Partial<Record<InputName, PlannedInput>>> {
  readonly labels: PlannedInput;
  /** Time points, and blocks of each. */
  readonly times: number;
  readonly blocks: number;
}

/** As it is kept: the rest is plain data. */
type Recorded<T, R> = Omit<T, 'objects'> & { readonly objects: R };

/** What is kept of a block whose label map cannot be measured. */
interface FailedRecord {
  /** Why. */
  readonly failed: string;
}

/** How it stands with what is kept of a block. */
export interface PartState {
  /** Why it is not there; undefined if it is there and whole. */
  readonly lack?: 'missing' | 'broken';
  /** Why its label map cannot be measured, if that is what is kept. */
  readonly failed?: string;
}

/** What processes keep of blocks, in the folder of the results. */
export class MeasuredParts {
  readonly #files: WritableFiles;
  readonly #out: string;
  readonly #folder: string;

  constructor(files: WritableFiles, out: string) {
    this.#files = files;
    this.#out = out;
    this.#folder = joinPath(out, RECORDS);
  }

  file(part: MeasuredPart, { name, t, index }: PartPlace): string {
    return joinPath(this.#folder, part, name, `${t}-${index}.record`);
  }

  async #read(part: MeasuredPart, place: PartPlace): Promise<unknown> {
    const file = this.file(part, place);
    const record = await this.#recordOf(file);
    if (typeof record === 'string') {
      throw new LamellaError(`this part of a measurement is ${record}.`, { file, remedy: remedyFor(part) });
    }
    const { failed } = record as Partial<FailedRecord>;
    if (failed !== undefined) throw new LamellaError(failed);
    return record;
  }

  async #recordOf(file: string): Promise<object | 'missing' | 'broken'> {
    try {
      return (decodeRecord(await this.#files.read(file)) as object | undefined) ?? 'broken';
    } catch (cause) {
      if (factsOf(cause, 'no-file') === undefined) throw cause;
      return 'missing';
    }
  }

  async state(part: MeasuredPart, place: PartPlace): Promise<PartState> {
    const record = await this.#recordOf(this.file(part, place));
    return typeof record === 'string' ? { lack: record } : { failed: (record as Partial<FailedRecord>).failed };
  }

  /** Says that the tables are written, of all parts. */
  finish(): Promise<void> {
    return this.#files.write(this.#finished, '');
  }

  async isFinished(): Promise<boolean> {
    return (await this.#files.kind(this.#finished)) !== undefined;
  }

  get #finished(): string {
    return joinPath(this.#folder, 'finished');
  }

  /** @throws LamellaError if it is not there, or the label map cannot be measured */
  async counts(place: PartPlace): Promise<PartCounts> {
    const { objects, ...rest } = (await this.#read('counts', place)) as Recorded<PartCounts, CountsRecord>;
    return { objects: countsOfRecord(objects), ...rest };
  }

  /** @throws as `counts` */
  async values(place: PartPlace): Promise<PartValues> {
    const { objects, ...rest } = (await this.#read('values', place)) as Recorded<PartValues, ValuesRecord>;
    return { objects: valuesOfRecord(objects), ...rest };
  }

  writeCounts(place: PartPlace, { objects, ...rest }: PartCounts): Promise<void> {
    return this.#files.write(this.file('counts', place), encodeRecord({ objects: countsRecord(objects), ...rest }));
  }

  writeValues(place: PartPlace, { objects, ...rest }: PartValues): Promise<void> {
    return this.#files.write(this.file('values', place), encodeRecord({ objects: valuesRecord(objects), ...rest }));
  }

  /** Keeps in the place of a part why its label map cannot be measured. */
  writeFailed(part: MeasuredPart, place: PartPlace, failed: string): Promise<void> {
    return this.#files.write(this.file(part, place), encodeRecord({ failed } satisfies FailedRecord));
  }

  /**
   * Keeps what was asked for of the first process, and compares what is asked for of others.
   * @throws UsageError naming what differs, or for a folder of a prediction in shards
   */
  async requireSame(here: MeasurePlan): Promise<void> {
    await requireUnplanned(this.#files, this.#out);
    const file = measurePlanFile(this.#out);
    await writeNew(this.#files, file, `${JSON.stringify(here, undefined, 1)}\n`);
    const planned = (await this.plan()) ?? here;
    const different = [
      ...differences(planned, here),
      ...namesDiffer('label maps', Object.keys(planned.maps), Object.keys(here.maps)),
    ];
    if (different.length > 0) {
      throw new UsageError(`this measurement was begun with another ${different.join('; another ')}.`, {
        file,
        remedy: `Use the same for all of its jobs, or another ${option('out')}.`,
      });
    }
    for (const [name, found] of Object.entries(here.maps)) {
      const plannedMap = planned.maps[name] as PlannedMap;
      for (const which of Object.keys(PLANNED_INPUTS) as InputName[]) requireInput(which, plannedMap, found);
    }
  }

  /** What the measurement was begun with; undefined if none was. @throws LamellaError if this cannot be read */
  async plan(): Promise<MeasurePlan | undefined> {
    const file = measurePlanFile(this.#out);
    if ((await this.#files.kind(file)) === undefined) return undefined;
    try {
      const plan = JSON.parse(new TextDecoder().decode(await this.#files.read(file))) as MeasurePlan;
      if (plan.version === 1) return plan;
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
    }
    throw new LamellaError('this is not the plan of a measurement that this version of Lamella reads.', {
      file,
      remedy: `Choose another ${option('out')}.`,
    });
  }
}

const remedyFor = (part: MeasuredPart): string =>
  `Measure again by ${option('stage', part === 'counts' ? 'count' : 'values')} with ${option('resume')}.`;

/** @throws UsageError for another label map, image, ground truth, ..., or one that there was not */
function requireInput(which: InputName, { [which]: then }: PlannedMap, { [which]: now, labels }: PlannedMap): void {
  const { noun, by }: { readonly noun: string; readonly by?: string } = PLANNED_INPUTS[which];
  if (then !== undefined && now !== undefined) requireSameInput(noun, now.path, then, now);
  if ((then === undefined) === (now === undefined)) return;
  const told = then === undefined ? `without ${article(noun)}, here with` : `with the ${noun}`;
  throw new UsageError(
    `this label map was planned ${told} ${(then ?? now)?.path}${then === undefined ? '' : ', here without one'}.`,
    {
      file: labels.path,
      remedy: `Use the same ${by === undefined ? noun : option(by)} for all jobs, or another ${option('out')}.`,
    },
  );
}

const article = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
