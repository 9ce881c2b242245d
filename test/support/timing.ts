/**
 * Milliseconds since the call, the lesser of wall and processor time: other work on the machine adds to the one, the
 * compiler's and collector's threads to the other.
 */
export function stopwatch(): () => number {
  const start = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return Math.min(performance.now() - start, (user + system) / 1000);
  };
}

/** What something takes, by a stopwatch. */
export function timeMs(run: () => void): number {
  const taken = stopwatch();
  run();
  return taken();
}

/** The least of at most three times, until it is below the limit. */
export function leastMs(limitMs: number, run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let k = 0; k < 3 && best >= limitMs; k++) best = Math.min(best, timeMs(run));
  return best;
}
