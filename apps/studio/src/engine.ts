import { openStudioEngine } from 'lamella/browser';
import type { Engine } from 'lamella/studio';

/** The engine that this page works with: in a worker of the tab. */
export const startEngine = (): Engine => openStudioEngine({ wasmPath: new URL('ort/', document.baseURI).href });
