/** Einsum as products of matrices: operands are brought to [batch, rows, summed] and [batch, summed, columns]. */

import { elementCount } from '../../array/ndarray.ts';
import type { GraphBuilder } from '../builder.ts';
import type { Value } from '../ir.ts';

/** A tensor with a letter for each axis. */
interface Lettered {
  readonly value: Value;
  readonly letters: string;
}

/** Letters that stand for the axes of `...`, the last one for the last axis. */
const HIDDEN = '0123456789';

/**
 * @param equation such as `bij,bjk->bik`; without an arrow the result has the letters that occur once, in alphabetical order
 * @param fail called for what cannot be said by products: an axis that occurs twice in an operand, other sizes
 */
export function einsum(
  b: GraphBuilder,
  equation: string,
  operands: readonly Value[],
  fail: (problem: string) => never,
): Value {
  const [inputs = '', arrow] = equation.replaceAll(' ', '').split('->');
  const terms = inputs.split(',');
  if (terms.length !== operands.length)
    fail(`'${equation}' is for ${terms.length} operands, and there are ${operands.length}.`);
  const lettered = operands.map((value, i): Lettered => {
    const hidden = value.shape.length - (terms[i] as string).replace('...', '').length;
    const letters = (terms[i] as string).replace('...', HIDDEN.slice(HIDDEN.length - Math.max(0, hidden)));
    if (letters.length !== value.shape.length)
      fail(`'${terms[i]}' does not name the axes of [${value.shape.join(', ')}].`);
    if (new Set(letters).size !== letters.length) fail(`'${terms[i]}' names an axis twice, which is not supported.`);
    return { value, letters };
  });
  const all = lettered.map(({ letters }) => letters).join('');
  const hidden = [...HIDDEN].filter((letter) => all.includes(letter)).join('');
  const once = [...new Set(all)]
    .filter((letter) => !HIDDEN.includes(letter) && all.split(letter).length === 2)
    .sort()
    .join('');
  const result = (arrow ?? `...${once}`).replace('...', hidden);
  const sizes = new Map<string, number>();
  for (const { value, letters } of lettered) {
    for (const [i, letter] of [...letters].entries()) {
      const size = value.shape[i] as number;
      if ((sizes.get(letter) ?? size) !== size) fail(`the axis '${letter}' is ${sizes.get(letter)} and ${size}.`);
      sizes.set(letter, size);
    }
  }
  const [first, ...rest] = lettered as [Lettered, ...Lettered[]];
  const made = rest.reduce(
    (sofar, other, i) => {
      const later =
        rest
          .slice(i + 1)
          .map(({ letters }) => letters)
          .join('') + result;
      return product(b, sofar, other, later, (letter) => sizes.get(letter) as number);
    },
    summed(b, first, all.slice(first.letters.length) + result),
  );
  const { value, letters } = summed(b, made, result);
  const perm = [...result].map((letter) => letters.indexOf(letter));
  if (perm.includes(-1)) fail(`'${result}' has an axis that no operand has.`);
  return b.transpose(value, perm);
}

/** Sums over the axes that nothing later has. */
function summed(b: GraphBuilder, { value, letters }: Lettered, later: string): Lettered {
  const axes = [...letters].flatMap((letter, i) => (later.includes(letter) ? [] : [i]));
  const kept = [...letters].filter((letter) => later.includes(letter)).join('');
  return axes.length === 0 ? { value, letters } : { value: b.sum(value, axes), letters: kept };
}

function product(
  b: GraphBuilder,
  left: Lettered,
  other: Lettered,
  later: string,
  size: (letter: string) => number,
): Lettered {
  const right = summed(b, other, left.letters + later);
  const own = summed(b, left, right.letters + later);
  const shared = [...own.letters].filter((letter) => right.letters.includes(letter));
  const batch = shared.filter((letter) => later.includes(letter));
  const inner = shared.filter((letter) => !later.includes(letter));
  const rows = [...own.letters].filter((letter) => !shared.includes(letter));
  const columns = [...right.letters].filter((letter) => !shared.includes(letter));
  const count = (letters: readonly string[]): number => elementCount(letters.map(size));
  const matrices = ({ value, letters }: Lettered, a: readonly string[], c: readonly string[]): Value =>
    b.reshape(
      b.transpose(
        value,
        [...batch, ...a, ...c].map((letter) => letters.indexOf(letter)),
      ),
      [count(batch), count(a), count(c)],
    );
  const out = [...batch, ...rows, ...columns];
  const value = b.op('MatMul', [matrices(own, rows, inner), matrices(right, inner, columns)]);
  return { value: b.reshape(value, out.map(size)), letters: out.join('') };
}
