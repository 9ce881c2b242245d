/** Settings of `train` that a project brings. */

import { declaredByProject } from '../dataset/discover/project-files.ts';
import type { LabelClass } from '../dataset/labels/labels.ts';
import { DatasetError, option, UsageError, unknownName } from '../errors.ts';
import { joinPath } from '../files.ts';
import { MODELS } from '../models/registry.ts';
import { LOSSES } from '../nn/losses/registry.ts';
import { OPTIMIZERS } from '../nn/optimizers/registry.ts';
import { SCHEDULES } from '../nn/schedules.ts';
import { PROJECT_FILE, type Project } from '../project/project.ts';
import { isWithin, RANGES, type Range } from '../train/ranges.ts';
import { AUGMENT_STRENGTHS, type TrainSettings } from '../train/tasks/segmentation/choose-recipe.ts';

type Check = (value: unknown) => boolean;
const within =
  (range: Range): Check =>
  (value) =>
    isWithin(value, range);
const oneOf =
  (known: object): Check =>
  (value) =>
    typeof value === 'string' && Object.hasOwn(known, value);
const POSITIVE: Range = { whole: true, least: 1 };

/** The settings that are taken, with the values that each may have. */
const SETTINGS: { readonly [K in keyof TrainSettings]?: Check } = {
  steps: within(POSITIVE),
  minutes: within({ above: 0 }),
  seed: within(RANGES.seed),
  batch: within(RANGES.batch),
  learningRate: within(RANGES.learningRate),
  balance: within(RANGES.balance),
  baseChannels: within(RANGES.baseChannels),
  depth: within(RANGES.depth),
  patch: (value) => Array.isArray(value) && value.length === 2 && value.every(within(POSITIVE)),
  network: oneOf(MODELS),
  loss: oneOf(LOSSES),
  optimizer: oneOf(OPTIMIZERS),
  schedule: oneOf(SCHEDULES),
  augment: oneOf(AUGMENT_STRENGTHS),
  exact: (value) => typeof value === 'boolean',
};

const isKnown = (name: string): name is keyof typeof SETTINGS => Object.hasOwn(SETTINGS, name);

/**
 * Settings of `train` that come from outside of the program, such as from a page.
 * @throws UsageError for an unknown name, and for a value that the setting cannot have
 */
export function checkedSettings(given: { readonly [name: string]: unknown }): TrainSettings {
  for (const [name, value] of Object.entries(given)) {
    if (!isKnown(name)) throw unknownName('setting', name, SETTINGS);
    if (value !== undefined && SETTINGS[name]?.(value) !== true) {
      throw new UsageError(`${option(name)} cannot be ${JSON.stringify(value)}.`);
    }
  }
  return given;
}

/**
 * The settings of a run on a project: those of the user, then those of the project. Objects are separated.
 * @param say receives a line for settings that are not taken from a project
 * @throws DatasetError for a setting of the project with a value that it cannot have
 */
export function withProjectSettings<S extends TrainSettings>(
  { project, folder }: { readonly project?: Project; readonly folder: string },
  given: S,
  say: (line: string) => void = () => {},
): S {
  if (project === undefined) return given;
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as S;
  const own = Object.entries(project.settings ?? {}).filter(([name]) => {
    // The user's length is the only one.
    const isLength = name === 'steps' || name === 'minutes';
    return !Object.hasOwn(set, name) && !(isLength && (set.steps ?? set.minutes) !== undefined);
  });
  for (const [name, value] of own) {
    if (!isKnown(name)) say(`${PROJECT_FILE}: the setting "${name}" is not taken from a project`);
    else if (SETTINGS[name]?.(value) !== true) {
      throw new DatasetError(`"settings.${name}" is ${JSON.stringify(value)}, which is no value of this setting.`, {
        file: joinPath(folder, PROJECT_FILE),
        remedy: 'Correct or remove it.',
      });
    }
  }
  const { task, classes } = set;
  const separates = project.task === 'objects' && task === undefined && classes === undefined;
  return {
    ...(separates ? { task: 'instances', classes: objectClasses(project) } : {}),
    ...Object.fromEntries(own.filter(([name]) => isKnown(name))),
    ...set,
  };
}

/** Background, objects and the rims that separate them, under the project's names. */
function objectClasses(project: Project): readonly LabelClass[] {
  const { classes = OBJECTS } = declaredByProject(project);
  return [...(classes as readonly LabelClass[]), { name: 'border', values: 'rim' }];
}

const OBJECTS: readonly LabelClass[] = [
  { name: 'background', values: [0] },
  { name: 'object', values: 'rest' },
];
