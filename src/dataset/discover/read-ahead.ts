/** Number of files in flight while one is awaited, so that decompression off the main thread keeps all cores busy. */
const AHEAD = 3;

/**
 * `read` of every item, in order, with a few started ahead.
 * @throws the error of the first item that fails, whichever failed earlier in time
 */
export async function* readAhead<T, R>(items: readonly T[], read: (item: T) => Promise<R>): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  let next = 0;
  for (let done = 0; done < items.length; done++) {
    for (; next < items.length && next <= done + AHEAD; next++) {
      const result = read(items[next]);
      // A failure is handled in its turn.
      result.catch(() => {});
      begun.push(result);
    }
    yield await (begun.shift() as Promise<R>);
  }
}
