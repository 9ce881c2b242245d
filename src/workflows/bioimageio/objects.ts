/** How objects are found in the outputs of a package: by StarDist's or Cellpose's own operation, or StarDist's settings. */

import { ModelError } from '../../errors.ts';
import type { DescribedObjects } from '../../models/described.ts';
import type { Fields } from './fields.ts';
import type { DescribedOperation } from './operations.ts';

/** Operations that find objects in maps. They are done by `predict`, and not as a part of the network. */
const KINDS: { readonly [id: string]: DescribedObjects['kind'] } = {
  stardist_postprocessing: 'stars',
  cellpose_flow_dynamics: 'flows',
};

export const findsObjects = ({ id }: DescribedOperation): boolean => Object.hasOwn(KINDS, id);

/**
 * What a description says of its objects: the operation of an output, or what StarDist writes (`config.stardist`).
 * @throws FormatError for values out of range; ModelError for what is of volumes
 */
export function objectsOf(
  outputs: readonly { readonly operations: readonly DescribedOperation[] }[],
  stardist: Fields,
  file: string,
): DescribedObjects | undefined {
  const found = outputs.flatMap(({ operations }) => operations.filter(findsObjects));
  const [operation, other] = found;
  if (other !== undefined) {
    throw new ModelError(`objects are found in several of its outputs.`, {
      file,
      remedy: 'Use a package of one operation.',
    });
  }
  if (operation === undefined) return stardist.isGiven ? ofStarDist(stardist) : undefined;
  return KINDS[operation.id] === 'stars' ? starsOf(operation.kwargs, file) : flowsOf(operation.kwargs, file);
}

/** The entries that are given. */
function given<T extends object>(values: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

const part = (field: Fields): number | undefined => field.optional((one) => one.within(0, 1));

const whole = (field: Fields, least: number): number | undefined =>
  field.optional((one) => {
    const value = one.within(least, Number.MAX_SAFE_INTEGER);
    return Number.isInteger(value) ? value : one.fail('is no whole number');
  });

function ofStarDist(stardist: Fields): DescribedObjects {
  const thresholds = stardist.at('thresholds');
  return {
    kind: 'stars',
    ...given<Omit<DescribedObjects, 'kind'>>({
      threshold: part(thresholds.at('prob')),
      overlap: part(thresholds.at('nms')),
      rays: whole(stardist.at('config').at('n_rays'), 3),
    }),
  };
}

function starsOf(kwargs: Fields, file: string): DescribedObjects {
  if (kwargs.at('anisotropy').isGiven) throw ofVolumes('stardist_postprocessing', file);
  return {
    kind: 'stars',
    ...given<Omit<DescribedObjects, 'kind'>>({
      threshold: part(kwargs.at('prob_threshold')),
      overlap: part(kwargs.at('nms_threshold')),
      rays: whole(kwargs.at('n_rays'), 3),
      margin: marginOf(kwargs.at('b')),
    }),
  };
}

/** One number for all sides, or the same for each. */
function marginOf(border: Fields): number | undefined {
  if (!border.isList) return whole(border, 0);
  const sides = border.list().flatMap((axis) => axis.list().map((side) => whole(side, 0)));
  return new Set(sides).size === 1 ? sides[0] : border.fail('has another width at each side, which is not supported');
}

function flowsOf(kwargs: Fields, file: string): DescribedObjects {
  if (kwargs.at('do_3D').isTrue) throw ofVolumes('cellpose_flow_dynamics', file);
  const logit = kwargs.at('cellprob_threshold').optional((one) => one.number());
  return {
    kind: 'flows',
    ...given<Omit<DescribedObjects, 'kind'>>({
      threshold: logit === undefined ? undefined : 1 / (1 + Math.exp(-logit)),
      flowError: kwargs.at('flow_threshold').optional((one) => one.within(0, Number.MAX_VALUE)),
      minSize: whole(kwargs.at('min_size'), 0),
    }),
  };
}

const ofVolumes = (id: string, file: string): ModelError =>
  new ModelError(`its operation '${id}' is of volumes.`, { file, remedy: 'Use a package of images.' });
