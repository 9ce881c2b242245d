/** What the methods of an engine may be called with: the check at the boundary, behind which types are trusted. */

import { UsageError } from '../errors.ts';
import { isPlainPath } from '../image/zip.ts';
import { mismatch, PROJECT_SCHEMA, type Schema } from '../project/schema.ts';
import type { Engine } from './engine.ts';

/** Methods that can be called from afar. */
export type Method = Exclude<keyof Engine, 'subscribe' | 'dispose'>;

/** A JSON value by its schema, the bytes of a journal entry, or files with their content. */
type Check = Schema | 'bytes' | 'files';

const text: Schema = { type: 'string', minLength: 1 };
const flag: Schema = { type: 'boolean' };
const natural: Schema = { type: 'integer', minimum: 0, maximum: 0xffffffff };
const positive: Schema = { type: 'number', exclusiveMinimum: 0 };
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required,
});
const list = (items: Schema): Schema => ({ type: 'array', items });

const coordinate: Schema = { type: 'number', minimum: -1e9, maximum: 1e9 };
const rect = object({ x: coordinate, y: coordinate, width: positive, height: positive }, ['x', 'y', 'width', 'height']);
const view = object({ image: text, page: natural, rect }, ['image', 'page', 'rect']);
const filters = { minSizePx: natural, excludeBorder: flag, fillHoles: flag, splitNecks: flag };
const training = object(
  {
    minutes: positive,
    steps: { ...natural, minimum: 1 },
    settings: { type: 'object' },
    from: {
      anyOf: [{ enum: ['scratch', 'live'] }, object({ run: text }, ['run']), object({ model: text }, ['model'])],
    },
  },
  ['from'],
);
const { name, task, classes, spacing, settings } = PROJECT_SCHEMA.properties as Record<string, Schema>;

/** Arguments by position. */
const METHODS: { readonly [M in Method]: readonly Check[] } = {
  describe: [],
  projects: [],
  create: [text],
  open: [text],
  import: ['files', text],
  linkFolder: [],
  moveToFolder: [],
  close: [],
  forget: [text],
  addFiles: ['files'],
  removeImage: [text],
  plane: [text, natural, natural],
  thumbnail: [text, { ...natural, minimum: 1, maximum: 4096 }],
  labels: [text, natural],
  record: ['bytes'],
  change: [object({ name, task, classes, spacing, settings } as Record<string, Schema>)],
  flush: [],
  setView: [view],
  setLive: [
    object({ on: flag, model: { enum: ['quick', 'network', 'auto'] }, smaller: { type: 'object' } }, ['on', 'model']),
  ],
  updateLive: [],
  previewObjects: [view],
  setPainting: [flag],
  train: [training],
  resume: [text],
  runs: [],
  trainCommand: [training],
  places: [{ ...natural, minimum: 1, maximum: 10_000 }],
  segment: [object({ run: text, images: list(text), ...filters })],
  filter: [text, object(filters)],
  segmented: [text, text, natural],
  measure: [text],
  table: [
    object(
      {
        prediction: text,
        of: { enum: ['objects', 'images'] },
        sort: object({ column: text, descending: flag }, ['column', 'descending']),
        offset: natural,
        limit: { ...natural, maximum: 100_000 },
      },
      ['prediction', 'offset', 'limit'],
    ),
  ],
  export: [
    object(
      {
        formats: {
          ...list({
            enum: [
              'csv',
              'parquet',
              'labels',
              'roi',
              'geojson',
              'coco',
              'onnx',
              'bioimageio',
              'quick',
              'report',
              'project',
            ],
          }),
          minItems: 1,
        },
        prediction: text,
        run: text,
      },
      ['formats'],
    ),
  ],
  stop: [],
};

export const METHOD_NAMES = Object.keys(METHODS) as readonly Method[];

/** All methods of an engine, each by one function that is told its name. */
export const methodsBy = (call: (name: Method, args: readonly unknown[]) => Promise<unknown>): Pick<Engine, Method> =>
  Object.fromEntries(
    METHOD_NAMES.map((name) => [name, (...args: readonly unknown[]) => call(name, args)]),
  ) as unknown as Pick<Engine, Method>;

export const isMethod = (call: string): call is Method => Object.hasOwn(METHODS, call);

/**
 * The arguments of a call, checked.
 * @throws UsageError naming the first that has another form than the method takes
 */
export function argumentsOf(call: Method, args: unknown): readonly unknown[] {
  const checks = METHODS[call];
  if (!Array.isArray(args) || args.length > checks.length) {
    throw new UsageError(`${call} takes ${checks.length} arguments.`);
  }
  for (const [i, check] of checks.entries()) {
    const problem = problemWith(args[i], check);
    if (problem !== undefined) throw new UsageError(`Argument ${i + 1} of ${call} cannot be used: ${problem}.`);
  }
  return args;
}

function problemWith(value: unknown, check: Check): string | undefined {
  if (check === 'bytes') return value instanceof Uint8Array ? undefined : 'expected bytes';
  if (check === 'files') {
    if (!Array.isArray(value)) return 'expected a list of files';
    return value.every(isGivenFile) ? undefined : 'a file has no path or no content';
  }
  const found = mismatch(value, check);
  if (found === undefined) return undefined;
  return `${found.path === '' ? 'it' : `"${found.path}"`} is not ${found.expected}`;
}

function isGivenFile(value: unknown): boolean {
  const { path, content } = (value ?? {}) as { readonly path?: unknown; readonly content?: unknown };
  if (typeof path !== 'string') return false;
  if (!isPlainPath(path)) return false;
  if (content instanceof Uint8Array) return true;
  return typeof content === 'object' && content !== null && 'arrayBuffer' in content && 'slice' in content;
}
