import { connect } from '../../studio/connect.ts';
import type { Engine } from '../../studio/engine.ts';
import { type PortLike, portChannel } from '../../studio/port-channel.ts';
import type { OpenRuntimeOptions } from './runtime.ts';

/**
 * Starts Studio's engine in a worker of this page, with projects in the page's private storage (OPFS). `dispose` ends the
 * worker at once; what was recorded is kept. When the worker ends by itself, for want of memory or since its program is
 * not served, every call rejects with the code `disconnected`.
 *
 * @example
 * const engine = openStudioEngine({ wasmPath: '/ort/' });
 * const { project } = await engine.create('nuclei');
 */
export function openStudioEngine(options: OpenRuntimeOptions = {}): Engine {
  // Bundlers recognise this expression and bundle the program.
  const worker = new Worker(new URL('./studio-worker.js', import.meta.url), {
    type: 'module',
    name: JSON.stringify(options),
  });
  const ended = new Promise((resolve) => {
    worker.onerror = resolve;
  });
  return connect(portChannel(worker as unknown as PortLike, ended));
}
