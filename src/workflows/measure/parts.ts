/**
 * Label maps measured by several processes: each counts the objects of some of their blocks, then measures them, when all
 * are counted, and the tables are made of what they kept.
 */

import { decodeRecord, encodeRecord } from '../../array/record.ts';
import { factsOf, LamellaError, option, UsageError } from '../../errors.ts';
import { joinPath, type WritableFiles, writeNew } from '../../files.ts';
import {
  type CountsRecord,
  countsOfRecord,
  countsRecord,
  type ValuesRecord,
  valuesOfRecord,
  valuesRecord,
} from '../../measure/measure-records.ts';
import type { BlockCounts, BlockValues } from '../../measure/object-measurer.ts';
import { RECORDS } from '../shards/plan.ts';

/** What is kept of each block. */
export type MeasuredPart = 'counts' | 'values';

/** Of a label map, by time point and block in raster order. */
export interface PartPlace {
  readonly name: string;
  readonly t: number;
  readonly index: number;
}

/** What processes keep of blocks, in the folder of the results. */
export class MeasuredParts {
  readonly #files: WritableFiles;
  readonly #folder: string;

  constructor(files: WritableFiles, out: string) {
    this.#files = files;
    this.#folder = joinPath(out, RECORDS);
  }

  file(part: MeasuredPart, { name, t, index }: PartPlace): string {
    return joinPath(this.#folder, part, name, `${t}-${index}.record`);
  }

  async #read(part: MeasuredPart, place: PartPlace): Promise<unknown> {
    const file = this.file(part, place);
    const record = await this.#recordOf(file);
    if (typeof record !== 'string') return record;
    throw new LamellaError(`this part of a measurement is ${record}.`, { file, remedy: remedyFor(part) });
  }

  async #recordOf(file: string): Promise<object | 'missing' | 'broken'> {
    try {
      return (decodeRecord(await this.#files.read(file)) as object | undefined) ?? 'broken';
    } catch (cause) {
      if (factsOf(cause, 'no-file') === undefined) throw cause;
      return 'missing';
    }
  }

  /** Whether a part is there and whole. */
  async has(part: MeasuredPart, place: PartPlace): Promise<boolean> {
    return typeof (await this.#recordOf(this.file(part, place))) !== 'string';
  }

  async counts(place: PartPlace): Promise<BlockCounts> {
    return countsOfRecord((await this.#read('counts', place)) as CountsRecord);
  }

  async values(place: PartPlace): Promise<BlockValues> {
    return valuesOfRecord((await this.#read('values', place)) as ValuesRecord);
  }

  writeCounts(place: PartPlace, counts: BlockCounts): Promise<void> {
    return this.#files.write(this.file('counts', place), encodeRecord(countsRecord(counts)));
  }

  writeValues(place: PartPlace, values: BlockValues): Promise<void> {
    return this.#files.write(this.file('values', place), encodeRecord(valuesRecord(values)));
  }

  /**
   * Keeps what was asked for of the first process, and compares what is asked for of others.
   * @throws UsageError naming what differs
   */
  async requireSame(settings: Readonly<Record<string, unknown>>): Promise<void> {
    const file = joinPath(this.#folder, 'plan.json');
    const own = JSON.parse(JSON.stringify(settings)) as Record<string, unknown>;
    await writeNew(this.#files, file, `${JSON.stringify(own, undefined, 1)}\n`);
    const planned = JSON.parse(new TextDecoder().decode(await this.#files.read(file))) as Record<string, unknown>;
    const said = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));
    const different = [...new Set([...Object.keys(planned), ...Object.keys(own)])]
      .filter((key) => said(planned[key]) !== said(own[key]))
      .map((key) => `${option(key)} (planned ${said(planned[key])}, here ${said(own[key])})`);
    if (different.length === 0) return;
    throw new UsageError(`this measurement was begun with another ${different.join('; another ')}.`, {
      file,
      remedy: `Use the same for all of its jobs, or another ${option('out')}.`,
    });
  }
}

const remedyFor = (part: MeasuredPart): string =>
  `Measure again by ${option('stage', part === 'counts' ? 'count' : 'values')} with ${option('resume')}.`;
