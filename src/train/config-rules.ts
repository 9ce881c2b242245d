/** The valid values of a run's configuration, so that invalid manual changes are rejected before use. */

import { RunError } from '../errors.ts';
import { BATCH_NORMS, ONNX_NAME } from '../models/onnx/definition.ts';
import { MODELS } from '../models/registry.ts';
import { LOSSES } from '../nn/losses/registry.ts';
import { OPTIMIZERS } from '../nn/optimizers/registry.ts';
import { SCHEDULES } from '../nn/schedules.ts';
import { MAP_KINDS } from '../objects/object-maps.ts';
import { isWithin, RANGES, type Range } from './ranges.ts';

interface Rule {
  /** Completes "... is expected". */
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function inWords({ whole = false, above, least, most }: Range): string {
  const from = above === undefined ? `from ${least}` : `above ${above}`;
  return `a ${whole ? 'whole number' : 'number'} ${from}${most === undefined ? '' : ` to ${most}`}`;
}

const object: Rule = { expected: 'an object', holds: isObject };
const text: Rule = { expected: 'a text', holds: (value) => typeof value === 'string' };
const flag: Rule = { expected: 'true or false', holds: (value) => typeof value === 'boolean' };
const inRange = (range: Range): Rule => ({ expected: inWords(range), holds: (value) => isWithin(value, range) });
const count = (least: number): Rule => inRange({ whole: true, least });
const above0 = inRange({ above: 0 });
const share = inRange({ least: 0, most: 1 });
const oneOf = (names: readonly string[]): Rule => ({
  expected: `one of ${names.join(', ')}`,
  holds: (value) => names.includes(value as string),
});
const listOf = (what: string, { holds }: Rule, { least = 0 }: { readonly least?: number } = {}): Rule => ({
  expected: `a list of ${what}`,
  holds: (value) => Array.isArray(value) && value.length >= least && value.every(holds),
});
const orNull = ({ expected, holds }: Rule): Rule => ({
  expected: `${expected}, or null,`,
  holds: (value) => value === null || holds(value),
});

const segment: Rule = {
  expected: '',
  holds: (value) =>
    isObject(value) && count(0).holds(value.from) && share.holds(value.progress) && count(1).holds(value.total),
};
const side = inRange({ whole: true, least: 1, most: 1 << 20 });

/** By path. */
const REQUIRED: { readonly [path: string]: Rule } = {
  folder: text,
  trainingImages: listOf('names', text),
  validationImages: listOf('names', text),
  notes: listOf('texts', text),
  plan: object,
  'plan.segments': listOf('{ from, progress, total }', segment),
  'plan.validations': count(0),
  machine: object,
  'machine.device': text,
  recipe: object,
  'recipe.seed': inRange(RANGES.seed),
  'recipe.data': object,
  'recipe.data.fingerprint': text,
  'recipe.data.split': object,
  'recipe.data.balance': inRange(RANGES.balance),
  'recipe.data.focusFraction': share,
  'recipe.data.separation': object,
  'recipe.data.separation.w0': inRange(RANGES.separation),
  'recipe.data.separation.sigmaPx': above0,
  'recipe.labels': object,
  'recipe.labels.classes': listOf('classes', object, { least: 1 }),
  'recipe.input': object,
  'recipe.model': object,
  'recipe.model.name': oneOf([...Object.keys(MODELS), ONNX_NAME]),
  'recipe.model.channels': count(1),
  'recipe.model.numClasses': count(1),
  'recipe.patch': {
    expected: 'a list of two sides in pixels',
    holds: (value) => listOf('', side).holds(value) && (value as readonly number[]).length === 2,
  },
  'recipe.batch': inRange(RANGES.batch),
  'recipe.augment': object,
  'recipe.loss': object,
  'recipe.loss.name': oneOf([...Object.keys(LOSSES), ...MAP_KINDS]),
  'recipe.optimizer': object,
  'recipe.optimizer.name': oneOf(Object.keys(OPTIMIZERS)),
  'recipe.learningRate': inRange(RANGES.learningRate),
  'recipe.schedule': object,
  'recipe.schedule.name': oneOf(Object.keys(SCHEDULES)),
  'recipe.clipNorm': orNull(above0),
  'recipe.averageDecay': orNull(share),
  'recipe.exact': flag,
};

/** Optional keys. */
const OPTIONAL: { readonly [path: string]: Rule } = {
  'recipe.slices': side,
  settings: object,
  validationRegions: object,
  trainingRegions: object,
  spacingMm: {
    expected: 'a list of three sizes in mm, the first may be null,',
    holds: (value) =>
      Array.isArray(value) &&
      value.length === 3 &&
      value.every((size, i) => (i === 0 && size === null) || above0.holds(size)),
  },
  'machine.layout': oneOf(['nchw', 'nchw8c', 'nchw16c']),
  'recipe.model.baseChannels': inRange(RANGES.baseChannels),
  'recipe.model.depth': inRange(RANGES.depth),
  'recipe.model.dropout': inRange(RANGES.dropout),
  'recipe.model.batchNorm': oneOf(BATCH_NORMS),
  'recipe.model.tile': object,
  'recipe.schedule.warmUp': count(0),
  level: count(0),
  before: object,
  'before.folder': text,
  'before.trainingImages': listOf('names', text),
  'before.validationImages': listOf('names', text),
  'before.validationRegions': object,
  'before.trainingRegions': object,
  'recipe.data.before': object,
  'recipe.data.before.validation': listOf('names', text),
  'recipe.data.before.repeated': listOf('names', text),
  'recipe.data.before.times': count(1),
  'recipe.maps': object,
  'recipe.maps.by': oneOf(MAP_KINDS),
  'recipe.maps.rays': count(1),
  'recipe.maps.scalePx': above0,
  'recipe.maps.contextPx': count(0),
  'recipe.start': object,
  'recipe.start.fingerprint': text,
  'recipe.start.newLayers': listOf('layers', text),
  'recipe.start.freeze': listOf('layers', text),
  'recipe.start.trained': listOf('parameters', text),
  'recipe.start.head': oneOf(['new']),
  'recipe.start.rows': listOf('rows', orNull(count(0))),
  'recipe.start.newLearningRate': above0,
};

const at = (config: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), config);

/** @throws RunError naming the first key whose value is missing or invalid. */
export function checkConfig(config: unknown, file: string): void {
  const refuse = (problem: string): never => {
    throw new RunError(problem, { file, remedy: 'Use the unmodified config.json of a run.' });
  };
  for (const [path, { expected, holds }] of Object.entries({ ...REQUIRED, ...OPTIONAL })) {
    const value = at(config, path);
    if (value === undefined) {
      if (REQUIRED[path] !== undefined) refuse(`"${path}" is missing.`);
    } else if (!holds(value)) {
      const told = JSON.stringify(value);
      refuse(`"${path}" is ${told.length > 60 ? `${told.slice(0, 57)}...` : told}; expected ${expected}.`);
    }
  }
}
