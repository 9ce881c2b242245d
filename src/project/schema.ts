/** The published schema of `lamella.json` (docs/project.schema.json), and the check that a value follows it. */

/** The part of JSON Schema 2020-12 that is used. */
export interface Schema {
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';
  readonly const?: string | number;
  readonly enum?: readonly (string | number)[];
  readonly anyOf?: readonly Schema[];
  readonly required?: readonly string[];
  readonly properties?: { readonly [name: string]: Schema };
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly pattern?: string;
}

const text = (description: string): Schema => ({ description, type: 'string', minLength: 1 });
const natural: Schema = { type: 'integer', minimum: 0, maximum: 0xffffffff };
const coordinate: Schema = { type: 'number' };

const REGION: Schema = {
  description: 'A part of an image: a box or a polygon.',
  type: 'object',
  required: ['id', 'complete'],
  properties: {
    id: { ...natural, description: 'Unique within the image.' },
    box: {
      description: 'Left and top pixel, width and height.',
      type: 'array',
      items: { type: 'integer', minimum: 0 },
      minItems: 4,
      maxItems: 4,
    },
    polygon: {
      description: 'Closed lines of corners [x, y]; under the even-odd rule an inner line is a hole.',
      type: 'array',
      minItems: 1,
      items: {
        type: 'array',
        minItems: 3,
        items: { type: 'array', items: coordinate, minItems: 2, maxItems: 2 },
      },
    },
    slice: { description: 'From 0; missing or null: every slice.', anyOf: [natural, { type: 'null' }] },
    complete: { description: 'Whether pixels that nobody painted are background here.', type: 'boolean' },
    origin: { description: 'Default painted.', enum: ['painted', 'proofread', 'imported'] },
    held: { description: 'Never trained on, only scored. Default false.', type: 'boolean' },
  },
};

const IMAGE: Schema = {
  type: 'object',
  required: ['file'],
  properties: {
    id: text('Unique within the project.'),
    file: text(
      'Path from the folder of this file, with / between its parts; for a DICOM series the folder that has its files.',
    ),
    size: { ...natural, maximum: Number.MAX_SAFE_INTEGER, description: 'Bytes of the file.' },
    crc32: { description: 'Checksum of the file.', type: 'string', pattern: '^[0-9a-f]{8}$' },
    labels: text('Path of its labels; missing: none.'),
    keepLabels: {
      description: 'Whether what is painted goes into another file, listed instead. Default false.',
      type: 'boolean',
    },
    use: { description: 'Default all: train if it has labels, and predict.', enum: ['train', 'predict', 'all'] },
    regions: { type: 'array', items: REGION },
  },
};

const length: Schema = { type: 'number', exclusiveMinimum: 0 };
const share: Schema = { type: 'number', minimum: 0, maximum: 1 };

export const PROJECT_SCHEMA: Schema & { readonly $schema: string; readonly title: string } = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Lamella project, version 1: the file lamella.json in a folder of images and labels',
  description: 'Programs keep what they do not know, here and in every object.',
  type: 'object',
  required: ['version', 'task', 'notAnnotated', 'images'],
  properties: {
    version: { const: 1 },
    writtenBy: text('Program and version.'),
    name: text('Default: the name of the folder.'),
    task: { description: 'What label values are: classes, or numbers of objects.', enum: ['classes', 'objects'] },
    classes: {
      description: 'In the order of the network.',
      type: 'array',
      minItems: 2,
      items: {
        type: 'object',
        required: ['name', 'value'],
        properties: {
          name: text('Unique.'),
          value: {
            description: 'Its value in label images; rest: every value that is no other class.',
            anyOf: [natural, { const: 'rest' }],
          },
          colour: { type: 'string', pattern: '^#[0-9a-fA-F]{6}$' },
        },
      },
    },
    notAnnotated: { ...natural, description: 'The value of label images that means: nobody looked at this pixel.' },
    images: { type: 'array', items: IMAGE },
    spacing: {
      description: "Size of a pixel; overrides the files'.",
      type: 'object',
      required: ['x', 'y', 'unit'],
      properties: {
        x: length,
        y: length,
        z: length,
        unit: { enum: ['nm', 'µm', 'mm', 'cm', 'm'] },
        from: text('Who stated it, such as user or file.'),
      },
    },
    settings: { description: "Settings of train, by the library's names.", type: 'object' },
    runs: {
      type: 'array',
      items: {
        type: 'object',
        required: ['folder'],
        properties: {
          folder: text('Path of the run.'),
          from: { description: 'The run that it started from.', anyOf: [{ type: 'string' }, { type: 'null' }] },
          labels: { ...natural, description: 'Revision of the labels that it was trained on.' },
          behindQuick: {
            description: 'The quick model agreed better with what was painted: mean Dice of both.',
            type: 'object',
            required: ['network', 'quick'],
            properties: { network: share, quick: share },
          },
          unlikeQuick: {
            description: 'Network and quick model see different things: Dice of the class on which they agree least.',
            type: 'object',
            required: ['class', 'dice'],
            properties: { class: text('Its name.'), dice: share },
          },
          doubt: {
            description: 'The network finds less than half of what was painted of a class.',
            type: 'object',
            required: ['steps', 'class', 'found'],
            properties: {
              steps: { ...natural, description: 'Steps that it was trained for.' },
              class: text('Of which it finds least.'),
              found: { ...share, description: 'Share of the painted pixels that it finds.' },
            },
          },
        },
      },
    },
    revision: { ...natural, description: 'Counts the changes of labels.' },
  },
};

/** What a value is instead of what the schema says: `images[0].use is "test"; expected one of "train", "all"`. */
export interface Mismatch {
  readonly path: string;
  readonly found: unknown;
  readonly expected: string;
}

const typeOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** The first place at which a value does not follow a schema; undefined if it follows it. */
export function mismatch(value: unknown, schema: Schema, path = ''): Mismatch | undefined {
  const wrong = (expected: string): Mismatch => ({ path, found: value, expected });
  const { type, minimum, maximum, exclusiveMinimum, minItems, maxItems, minLength } = schema;
  if (schema.anyOf !== undefined) {
    const all = schema.anyOf.map((option) => mismatch(value, option, path));
    return all.includes(undefined) ? undefined : wrong(all.map((one) => one?.expected).join(', or '));
  }
  if (schema.const !== undefined && value !== schema.const) return wrong(JSON.stringify(schema.const));
  if (schema.enum !== undefined && !schema.enum.some((item) => item === value)) {
    return wrong(`one of ${schema.enum.map((item) => JSON.stringify(item)).join(', ')}`);
  }
  const isType = type === undefined || (type === 'integer' ? Number.isSafeInteger(value) : typeOf(value) === type);
  if (!isType) return wrong(type === 'integer' ? 'a whole number' : `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`);
  if (typeof value === 'number') {
    if (minimum !== undefined && value < minimum) return wrong(`${minimum} or more`);
    if (maximum !== undefined && value > maximum) return wrong(`${maximum} or less`);
    if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) return wrong(`more than ${exclusiveMinimum}`);
  }
  if (typeof value === 'string') {
    if (minLength !== undefined && value.length < minLength) return wrong('a text that is not empty');
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) {
      return wrong(`a text of the form ${schema.pattern}`);
    }
  }
  if (Array.isArray(value)) {
    if (minItems !== undefined && value.length < minItems) return wrong(`${minItems} items or more`);
    if (maxItems !== undefined && value.length > maxItems) return wrong(`${maxItems} items`);
    const { items } = schema;
    return items && first(value.map((item, i) => mismatch(item, items, `${path}[${i}]`)));
  }
  if (typeOf(value) !== 'object') return undefined;
  const fields = value as { readonly [name: string]: unknown };
  const missing = schema.required?.find((name) => !Object.hasOwn(fields, name));
  if (missing !== undefined) return { path: below(path, missing), found: undefined, expected: 'a value' };
  const known = Object.entries(schema.properties ?? {}).filter(([name]) => Object.hasOwn(fields, name));
  return first(known.map(([name, own]) => mismatch(fields[name], own, below(path, name))));
}

const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
const first = (found: readonly (Mismatch | undefined)[]): Mismatch | undefined =>
  found.find((one) => one !== undefined);
