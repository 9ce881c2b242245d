/** Works on items, several at once. @throws the first error of `work`, after which no more are begun */
export async function eachAtOnce<T>(
  count: number,
  items: Generator<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const worker = async () => {
    for (const item of items) await work(item);
  };
  await Promise.all(Array.from({ length: count }, worker));
}
