/** Set by the first Ctrl-C or SIGTERM; the second one ends the program at once. */
export interface StopSignal {
  readonly aborted: boolean;
  release(): void;
}

/** Takes over SIGINT and SIGTERM. @param onStop told at the first of them */
export function stopSignal(onStop: () => void): StopSignal {
  let aborted = false;
  const handle = (signal: NodeJS.Signals): void => {
    if (aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    aborted = true;
    onStop();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    get aborted() {
      return aborted;
    },
    release() {
      process.removeListener('SIGINT', handle);
      process.removeListener('SIGTERM', handle);
    },
  };
}
