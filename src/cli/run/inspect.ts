export async function runInspect(..._: readonly unknown[]): Promise<void> {
  throw new Error('not yet');
}
