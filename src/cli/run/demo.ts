export async function runDemo(..._: readonly unknown[]): Promise<void> {
  throw new Error('not yet');
}
