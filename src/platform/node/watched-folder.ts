import { factsOf } from '../../errors.ts';
import type { Engine, ProjectState } from '../../studio/engine.ts';
import type { StudioHost } from '../../studio/host.ts';

/** How often it is looked whether a folder is back. */
const EVERY_MS = 1000;

const isGone = (cause: unknown): boolean => factsOf(cause, 'folder-gone') !== undefined;

/**
 * The engine, which neither changes nor leaves a project while its folder is not the one that was opened. What is rejected
 * then can be handed in again at the `saved` event that comes once the folder is back.
 */
export function withWatchedFolder(engine: Engine, host: StudioHost): Engine {
  /** Of the open project. */
  let folder: string | undefined;
  let cancel: (() => void) | undefined;
  let isEnded = false;

  const watch = (): void => {
    if (isEnded) return;
    cancel ??= host.after(EVERY_MS, () => {
      cancel = undefined;
      requireFolder()
        .then(() => engine.flush())
        // Any other failure is told when something is next written.
        .catch(() => undefined);
    });
  };

  async function requireFolder(): Promise<void> {
    if (folder === undefined) return;
    try {
      await host.requireFolder?.(folder);
    } catch (cause) {
      if (isGone(cause)) watch();
      throw cause;
    }
  }

  const first =
    <A extends readonly unknown[], R>(method: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      await requireFolder();
      return method(...given);
    };

  const opening = <A extends readonly unknown[]>(method: (...given: A) => Promise<ProjectState>) =>
    first(async (...given: A) => {
      folder = undefined;
      const state = await method(...given);
      folder = host.folderOf(state.id);
      return state;
    });

  const end = engine.subscribe((event) => {
    if (event.kind === 'problem' && event.problem.code === 'folder-gone') watch();
  });

  return {
    ...engine,
    open: opening(engine.open),
    create: opening(engine.create),
    import: opening(engine.import),
    close: first(async () => {
      folder = undefined;
      await engine.close();
    }),
    addFiles: first(engine.addFiles),
    removeImage: first(engine.removeImage),
    record: first(engine.record),
    change: first(engine.change),
    flush: first(engine.flush),
    async dispose() {
      isEnded = true;
      cancel?.();
      end();
      await engine.dispose();
    },
  };
}
