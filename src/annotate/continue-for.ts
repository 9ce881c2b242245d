/**
 * Continues a task for about so many milliseconds, or until it is done.
 * @param now a clock in milliseconds
 */
export function continueFor<Progress, Result>(
  task: Generator<Progress, Result>,
  milliseconds: number,
  now: () => number,
): IteratorResult<Progress, Result> {
  const end = now() + milliseconds;
  let state = task.next();
  while (!state.done && now() < end) state = task.next();
  return state;
}
