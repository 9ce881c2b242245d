import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { isProject, studioHost } from '../../platform/node/studio-host.ts';
import { startStudioServer } from '../../platform/node/studio-server.ts';
import type { command } from '../commands/studio.ts';
import type { Options, Positionals } from '../declare.ts';
import { say } from '../print.ts';
import { stoppable } from '../stop-signal.ts';

/** Opens the system's browser. That there is none is no failure: the address is printed. */
function openBrowser(address: string): void {
  const program = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  const child = spawn(program, [address], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

export async function run(
  [given]: Positionals<typeof command>,
  { port, open }: Options<typeof command>,
): Promise<void> {
  const folder = given ?? '.';
  await stoppable(async (signal) => {
    const single = await isProject(folder, { isNamed: given !== undefined });
    const host = studioHost(folder, { single });
    const server = await startStudioServer({ host, port, folder });
    say(
      `Lamella Studio: ${server.address}`,
      `${single ? 'the project in' : 'projects in'} ${resolve(folder)}; Ctrl-C ends it`,
    );
    if (open) openBrowser(server.address);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await server.close();
  }, 'Ending.');
}
