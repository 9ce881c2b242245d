/**
 * What keeps the page by itself: threads and offline use for a page that is hosted as files, by its service worker
 * (`sw.ts`), and no way to other browsers.
 */

const TRIED = 'lamella-studio-isolated';
const READY_MS = 5000;

/**
 * Registers the service worker. Where the host does not send the headers for threads, the page is loaded once more, so
 * that the worker can add them; only once, since it may not help, as in some private windows.
 * @returns whether the page is about to be loaded again, so that nothing need be shown
 */
export async function isolate(): Promise<boolean> {
  const { serviceWorker } = navigator;
  if (serviceWorker === undefined) return false;
  try {
    await serviceWorker.register(new URL('sw.js', document.baseURI));
    if (crossOriginIsolated || sessionStorage.getItem(TRIED) !== null) return false;
    sessionStorage.setItem(TRIED, '1');
    // A worker that never gets ready does not keep the page away.
    const late = new Promise((_, reject) => setTimeout(reject, READY_MS));
    await Promise.race([serviceWorker.ready, late]);
  } catch {
    // Refused by the browser: the page works on, with one thread and with the network.
    return false;
  }
  location.reload();
  return true;
}

/** Has the service worker keep ONNX Runtime for a device, so that the page computes without a network before it ever has. */
export async function keepRuntime(device: string): Promise<void> {
  const registration = await navigator.serviceWorker?.ready;
  registration?.active?.postMessage(device);
}

/**
 * Takes connections between browsers away from the page: of all ways out they are the only one that Chromium's content
 * policies do not cover. Workers have none.
 */
export function withoutPeers(): void {
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection']) Reflect.deleteProperty(globalThis, name);
}
