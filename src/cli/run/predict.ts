export async function runPredict(..._: readonly unknown[]): Promise<void> {
  throw new Error('not yet');
}
