/**
 * How often a test of endurance repeats: a few times in `npm test`, as often as asked for in `npm run soak`, which sets
 * the variable.
 */
export function timesOf(what: 'KILLS' | 'STEPS' | 'PREDICTIONS' | 'MINUTES' | 'GIB' | 'NODES', short: number): number {
  const asked = process.env[`LAMELLA_SOAK_${what}`];
  return asked === undefined ? short : Number(asked);
}

/** Room for `times` repetitions of `seconds` each, and what is done once, on a slow machine that others use too. */
export const timeoutMs = (times: number, seconds: number): number => 240_000 + 4000 * seconds * times;
