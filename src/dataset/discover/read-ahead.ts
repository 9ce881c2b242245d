/** Files that are on their way while one is awaited: what is unpacked beside the main thread then keeps all cores busy. */
const AHEAD = 3;

/**
 * `read` of every item, in order, with a few begun ahead.
 * @throws what the first item that fails throws, whichever failed earlier
 */
export async function* readAhead<T, R>(items: readonly T[], read: (item: T) => Promise<R>): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  let next = 0;
  for (let done = 0; done < items.length; done++) {
    for (; next < items.length && next <= done + AHEAD; next++) {
      const result = read(items[next]);
      // A failure is met when its turn comes.
      result.catch(() => {});
      begun.push(result);
    }
    yield await (begun.shift() as Promise<R>);
  }
}
