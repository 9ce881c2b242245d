/** Aborted by the first Ctrl-C or SIGTERM; the second ends the program at once. */
export interface StopSignal {
  readonly signal: AbortSignal;
  release(): void;
}

/** Handles SIGINT and SIGTERM. @param onStop called at the first of them */
export function stopSignal(onStop: () => void): StopSignal {
  const controller = new AbortController();
  const handle = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
    controller.abort();
    onStop();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
    release() {
      process.removeListener('SIGINT', handle);
      process.removeListener('SIGTERM', handle);
    },
  };
}
