import { effect } from '@preact/signals';
import { allowLinkedFolder } from 'lamella/studio/browser';
import { options, render } from 'preact';
import { startEngine } from './engine.ts';
import { canPickFolders, pickFolder } from './folders.ts';
import { isolate, keepRuntime, withoutPeers } from './isolation.ts';
import { saveFile } from './save-file.ts';
import { keptValues } from './state/kept.ts';
import { createStudio } from './state/studio.ts';
import './style.css';
import { text } from './text/text.ts';
import { App } from './views/app.tsx';
import { whenIdle } from './when-idle.ts';

async function start(root: HTMLElement): Promise<void> {
  withoutPeers();
  if (import.meta.env.MODE === 'static' && (await isolate())) return;
  document.documentElement.lang = text.language;
  const engine = await startEngine();
  const studio = createStudio({
    engine,
    storage: keptValues(),
    examples: () => import('./example.ts'),
    saveFile,
    folders: { canPick: canPickFolders, pick: pickFolder, allow: allowLinkedFolder },
  });
  effect(() => {
    document.documentElement.dataset.theme = studio.settings.theme.value;
  });
  // The page is drawn once a frame, however often its state changes in between.
  options.debounceRendering = requestAnimationFrame;
  render(<App studio={studio} />, root);
  window.addEventListener('beforeunload', (event) => {
    if (studio.annotation.unkept.value > 0) event.preventDefault();
  });
  // From the first edit on, the browser is asked not to clear the project when space is short.
  const stop = effect(() => {
    if (!studio.annotation.canUndo.value) return;
    void navigator.storage?.persist?.();
    queueMicrotask(() => stop());
  });
  if (import.meta.env.MODE === 'static') {
    effect(() => {
      const [device] = studio.description.value?.devices ?? [];
      if (device !== undefined) whenIdle(() => void keepRuntime(device.name));
    });
  }
  // For the console of a curious user, and for tests.
  Object.assign(globalThis, { studio });
}

const root = document.getElementById('app') as HTMLElement;
start(root).catch((error: unknown) => {
  root.textContent = error instanceof Error ? error.message : String(error);
});
