/**
 * Runs `body` with a signal that the first Ctrl-C or SIGTERM aborts; the second ends the program at once.
 * @param notice printed at the first of them
 */
export async function stoppable<T>(body: (signal: AbortSignal) => Promise<T>, notice = 'Stopping.'): Promise<T> {
  const controller = new AbortController();
  const handle = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
    controller.abort();
    process.stderr.write(`\n${notice}\n`);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  try {
    return await body(controller.signal);
  } finally {
    process.removeListener('SIGINT', handle);
    process.removeListener('SIGTERM', handle);
  }
}
