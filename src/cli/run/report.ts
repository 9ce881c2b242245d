export async function runReport(..._: readonly unknown[]): Promise<void> {
  throw new Error('not yet');
}
