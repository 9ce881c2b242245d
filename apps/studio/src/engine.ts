import type { Engine } from 'lamella/studio';
import { connectStudioServer, openStudioEngine } from 'lamella/studio/browser';

const TOKEN = 'lamella-token';

/** The engine of the `lamella studio` that serves this page; otherwise one in a worker of the tab. */
export async function startEngine(): Promise<Engine> {
  const token = serverToken();
  if (token === undefined) return openStudioEngine({ wasmPath: new URL('ort/', document.baseURI).href });
  return connectStudioServer(token, (next) => sessionStorage.setItem(TOKEN, next));
}

/** What the address of `lamella studio` ends in. It leaves the address bar, and stays with this tab. */
function serverToken(): string | undefined {
  const [, given] = /^#([\w-]{43})$/.exec(location.hash) ?? [];
  if (given === undefined) return sessionStorage.getItem(TOKEN) ?? undefined;
  sessionStorage.setItem(TOKEN, given);
  history.replaceState(null, '', location.pathname);
  return given;
}
