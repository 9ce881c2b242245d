export async function runAugment(..._: readonly unknown[]): Promise<void> {
  throw new Error('not yet');
}
