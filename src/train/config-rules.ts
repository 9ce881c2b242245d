/** What each value of a run's configuration may be, so that one changed by hand is refused before it is used. */

import { RunError } from '../errors.ts';
import { MODELS } from '../models/registry.ts';
import { LOSSES } from '../nn/losses/registry.ts';
import { OPTIMIZERS } from '../nn/optimizers/registry.ts';
import { SCHEDULES } from '../nn/schedules.ts';

interface Rule {
  /** Completes "... is expected". */
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const object: Rule = { expected: 'an object', holds: isObject };
const text: Rule = { expected: 'a text', holds: (value) => typeof value === 'string' };
const flag: Rule = { expected: 'true or false', holds: (value) => typeof value === 'boolean' };
const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Rule => ({
  expected:
    most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`,
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
});
const above0: Rule = { expected: 'a number above 0', holds: (value) => isNumber(value) && value > 0 };
const share: Rule = { expected: 'a number from 0 to 1', holds: (value) => isNumber(value) && value >= 0 && value <= 1 };
const from0: Rule = { expected: 'a number from 0', holds: (value) => isNumber(value) && value >= 0 };
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
    isObject(value) && whole(0).holds(value.from) && share.holds(value.progress) && whole(1).holds(value.total),
};
const side: Rule = whole(1, 1 << 20);

/** By path. */
const REQUIRED: { readonly [path: string]: Rule } = {
  folder: text,
  trainingImages: listOf('names', text),
  validationImages: listOf('names', text),
  notes: listOf('texts', text),
  plan: object,
  'plan.segments': listOf('{ from, progress, total }', segment, { least: 1 }),
  'plan.validations': whole(0),
  machine: object,
  'machine.device': text,
  recipe: object,
  'recipe.seed': whole(0, 0xffffffff),
  'recipe.data': object,
  'recipe.data.fingerprint': text,
  'recipe.data.split': object,
  'recipe.data.balance': share,
  'recipe.data.focusShare': share,
  'recipe.data.separation': object,
  'recipe.data.separation.w0': from0,
  'recipe.data.separation.sigmaPx': above0,
  'recipe.labels': object,
  'recipe.labels.classes': listOf('classes', object, { least: 1 }),
  'recipe.input': object,
  'recipe.model': object,
  'recipe.model.name': oneOf(Object.keys(MODELS)),
  'recipe.model.channels': whole(1),
  'recipe.model.numClasses': whole(1),
  'recipe.patch': {
    expected: 'a list of two sides in pixels',
    holds: (value) => listOf('', side).holds(value) && (value as readonly number[]).length === 2,
  },
  'recipe.batch': whole(1, 4096),
  'recipe.augment': object,
  'recipe.loss': object,
  'recipe.loss.name': oneOf(Object.keys(LOSSES)),
  'recipe.optimizer': object,
  'recipe.optimizer.name': oneOf(Object.keys(OPTIMIZERS)),
  'recipe.learningRate': above0,
  'recipe.schedule': object,
  'recipe.schedule.name': oneOf(Object.keys(SCHEDULES)),
  'recipe.clipNorm': orNull(above0),
  'recipe.averageDecay': orNull(share),
  'recipe.exact': flag,
};

/** These may be left out. */
const OPTIONAL: { readonly [path: string]: Rule } = {
  settings: object,
  spacingMm: {
    expected: 'a list of three sizes in mm, the first may be null,',
    holds: (value) =>
      Array.isArray(value) &&
      value.length === 3 &&
      value.every((size, i) => (i === 0 && size === null) || above0.holds(size)),
  },
  'machine.layout': oneOf(['nchw', 'nchw8c', 'nchw16c']),
  'recipe.model.baseChannels': whole(1, 1024),
  'recipe.model.depth': whole(1, 8),
  'recipe.model.dropout': share,
  'recipe.schedule.warmUp': whole(0),
};

const at = (config: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), config);

/** @throws RunError that names the first key whose value is missing or impossible. */
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
