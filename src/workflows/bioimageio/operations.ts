/** Operations of a package, from the words of its description. */

import { ModelError } from '../../errors.ts';
import type { Operation } from '../../input/operations.ts';
import type { Fields } from './fields.ts';

/** Names of axes of format 0.4, one letter each. */
const LETTERS: { readonly [letter: string]: string } = { b: 'batch', c: 'channel', i: 'index', t: 'time' };

export const axisOfLetter = (letter: string): string => LETTERS[letter] ?? letter;

/** An operation as it stands in a description. */
export interface DescribedOperation {
  readonly id: string;
  readonly kwargs: Fields;
}

/** What an operation that is not among ours needs. */
const FOREIGN: { readonly [id: string]: string } = {
  stardist_postprocessing: 'the code of StarDist',
  cellpose_flow_dynamics: 'the code of Cellpose',
  custom: 'code of the package, and a package never runs code here',
  scale_mean_variance: 'another tensor of the same image: it restores an image rather than giving classes',
};

/**
 * @param tensorAxes names of the tensor's axes
 * @throws ModelError for an operation that needs code of other programs, or is not known; FormatError for wrong values
 */
export function operationsOf(
  described: readonly DescribedOperation[],
  tensorAxes: readonly string[],
  file: string,
): readonly Operation[] {
  return described.map((each) => operationOf(each, tensorAxes, file));
}

function operationOf({ id, kwargs }: DescribedOperation, tensorAxes: readonly string[], file: string): Operation {
  const axes = kwargs.at('axes').optional((given) => axisNames(given));
  const shared = { ...(axes !== undefined && { axes }) };
  const eps = kwargs.at('eps').optional((given) => given.number());
  const range = { ...shared, ...(eps !== undefined && { eps }) };
  switch (id) {
    case 'ensure_dtype':
      return { id, kwargs: { dtype: kwargs.at('dtype').text() } };
    case 'binarize':
      return { id, kwargs: { threshold: kwargs.at('threshold').numbers(), ...along(kwargs, tensorAxes) } };
    case 'clip': {
      const bounds = ['min', 'max', 'min_percentile', 'max_percentile'].flatMap((name) => {
        const value = kwargs.at(name).optional((given) => given.number());
        return value === undefined ? [] : [[name, value] as const];
      });
      return { id, kwargs: { ...shared, ...Object.fromEntries(bounds) } };
    }
    case 'scale_linear': {
      const gain = kwargs.at('gain').optional((given) => given.numbers()) ?? 1;
      const offset = kwargs.at('offset').optional((given) => given.numbers()) ?? 0;
      return { id, kwargs: { gain, offset, ...along(kwargs, tensorAxes) } };
    }
    case 'scale_range': {
      const reference = kwargs.at('reference_tensor');
      if (reference.isGiven) {
        throw new ModelError(`its operation '${id}' takes the range of another tensor, '${reference.text()}'.`, {
          file,
        });
      }
      const low = kwargs.at('min_percentile').optional((given) => given.number()) ?? 0;
      const high = kwargs.at('max_percentile').optional((given) => given.number()) ?? 100;
      return { id, kwargs: { ...range, min_percentile: low, max_percentile: high } };
    }
    case 'fixed_zero_mean_unit_variance':
      return fixed(kwargs, tensorAxes);
    case 'zero_mean_unit_variance': {
      // Format 0.4 has the fixed one as a mode of this.
      const isFixed = kwargs.at('mode').optional((given) => given.text()) === 'fixed';
      return isFixed ? fixed(kwargs, tensorAxes) : { id, kwargs: range };
    }
    case 'sigmoid':
      return { id, kwargs: {} };
    case 'softmax':
      return { id, kwargs: { axis: kwargs.at('axis').optional((given) => given.text()) ?? 'channel' } };
    default: {
      const needs = FOREIGN[id];
      throw new ModelError(
        needs === undefined ? `its operation '${id}' is not known.` : `its operation '${id}' needs ${needs}.`,
        { file, remedy: 'Use a program that has it, or a package without it.' },
      );
    }
  }
}

function fixed(kwargs: Fields, tensorAxes: readonly string[]): Operation {
  const [mean, std] = [kwargs.at('mean').numbers(), kwargs.at('std').numbers()];
  return { id: 'fixed_zero_mean_unit_variance', kwargs: { mean, std, ...along(kwargs, tensorAxes) } };
}

/** Names of axes as a list, or as letters in format 0.4. */
const axisNames = (given: Fields): readonly string[] =>
  given.isText ? [...given.text()].map(axisOfLetter) : given.texts();

/** The axis along which values differ: named, or in format 0.4 the one that `axes` leaves out. */
function along(kwargs: Fields, tensorAxes: readonly string[]): { readonly axis?: string } {
  const named = kwargs.at('axis').optional((given) => given.text());
  if (named !== undefined) return { axis: named };
  const together = kwargs.at('axes').optional(axisNames);
  const left = together && tensorAxes.filter((axis) => axis !== 'batch' && !together.includes(axis));
  return left?.length === 1 ? { axis: left[0] as string } : {};
}
