export async function runEvaluate(..._: readonly unknown[]): Promise<void> {
  throw new Error('not yet');
}
