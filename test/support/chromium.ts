import { existsSync } from 'node:fs';

/** Debian's Chromium, or the one that `CHROMIUM_PATH` names. */
export function chromiumPath(): string {
  const path = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  if (!existsSync(path)) {
    throw new Error(
      `There is no Chromium at ${path}. Install it (Debian: apt-get install chromium), or set CHROMIUM_PATH.`,
    );
  }
  return path;
}

/** Without a sandbox, as root in a container needs it, and without calls of its own to the network. */
export function chromiumArguments(): string[] {
  return [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
}
