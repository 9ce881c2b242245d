/** All that the page knows, without the page: what views draw and commands change. */

import { effect, signal } from '@preact/signals';
import type { Engine, EngineDescription, GivenFile } from 'lamella/studio';
import type { ExampleName } from '../example.ts';
import type { Folders } from '../folders.ts';
import { score } from '../format.ts';
import type { HelpTopic } from '../help-topics.ts';
import type { saveFile as SaveFile } from '../save-file.ts';
import { text } from '../text/text.ts';
import { createAnnotation } from './annotation.ts';
import { createChecking } from './checking.ts';
import { createDisplay } from './display.ts';
import { isProject, projectName } from './intake.ts';
import type { KeptValues } from './kept.ts';
import { createLive } from './live.ts';
import { createMeasuring } from './measuring.ts';
import { createMessages } from './messages.ts';
import { createObjects } from './objects.ts';
import { createPainting } from './painting.ts';
import { createPointer } from './pointer.ts';
import { createOpenProject } from './project.ts';
import { createSaving } from './saving.ts';
import { createScene } from './scene.ts';
import { createSettings } from './settings.ts';
import type { Tab } from './tabs.ts';
import { createTour } from './tour.ts';
import { createTraining } from './training.ts';

export type Dialog = 'settings' | 'help' | 'keys' | 'export';

export type Studio = ReturnType<typeof createStudio>;

/** What only a page can give. */
interface Place {
  readonly engine: Engine;
  readonly storage: KeptValues | undefined;
  /** Images for those who have none at hand. */
  examples(): Promise<typeof import('../example.ts')>;
  saveFile: typeof SaveFile;
  readonly folders: Folders;
}

export function createStudio({ engine, storage, examples, saveFile, folders }: Place) {
  const messages = createMessages(engine.stop);
  const settings = createSettings(storage);
  const project = createOpenProject(engine, messages);
  const display = createDisplay(engine, project, messages);
  const annotation = createAnnotation(engine, project, messages);
  const objects = createObjects(annotation, project, messages);
  const painting = createPainting({
    annotation,
    display,
    settings,
    objects,
    messages,
    onPainting: (now) => void engine.setPainting(now).catch(messages.failed),
    onPainted: () => scene.painted(),
  });
  const pointer = createPointer(display, painting);
  const tab = signal<Tab>('annotate');
  const live = createLive({ engine, display, annotation, settings, messages, tab });
  const checking = createChecking({ engine, project, display, annotation, live, messages });
  const measuring = createMeasuring({ engine, project, display, messages, tab });
  const training = createTraining(engine, messages, (run) =>
    messages.note(text.train.done(run.steps, run.score && `${run.score.name} ${score(run.score.value)}`)),
  );
  const scene = createScene({ display, annotation, objects, painting, pointer, live, checking, measuring, tab });
  const description = signal<EngineDescription | undefined>(undefined);
  /** What belongs to one project is forgotten with it. */
  let openId: string | undefined;
  effect(() => {
    const id = project.state.value?.id;
    if (id === openId) return;
    openId = id;
    for (const part of [live, checking, measuring]) part.forget();
    training.forget(id !== undefined);
    tab.value = 'annotate';
    const { prediction, filters } = project.state.value ?? {};
    if (prediction !== undefined) measuring.reopen(prediction, filters);
  });
  engine.subscribe((event) => {
    if (event.kind === 'note') {
      // While it trains, there is a list for them.
      if (!training.running.value) messages.note(event.text);
    } else if (event.kind === 'problem') messages.problem(event.problem, event.isOfSaving);
    else if (event.kind === 'saved') messages.saved();
    else if (event.kind === 'restarted') {
      messages.disconnected.value = false;
      live.set({ on: false, model: live.wanted.value });
      if (description.peek()?.place === 'server') messages.note(text.answersAgain);
      else messages.problem({ message: text.restarted, remedy: text.restartedRemedy });
    } else if (event.kind === 'ending') {
      void Promise.allSettled([annotation.settled()])
        .then(() => engine.flush())
        .catch(() => undefined);
    } else if (event.kind === 'device') {
      const { device, why } = event;
      messages.note(text.device(device, why));
      const known = description.peek();
      // The status line names the one in use.
      if (known !== undefined) description.value = { ...known, devices: [{ name: device, label: device }] };
    }
  });

  const add = async (files: readonly GivenFile[]): Promise<void> => annotation.takeOver(await project.add(files));

  /** Opens what was chosen or dropped: as a project, as a new one, or into the open one. */
  const takeIn = async (files: readonly GivenFile[]): Promise<void> => {
    if (files.length === 0) return;
    await project.during(text.busy.reading(files.length), async () => {
      if (isProject(files)) {
        const opened = await engine.import(files, projectName(files, text.untitled));
        saving.imported(opened.id);
        project.show(opened);
      } else {
        const created = project.state.value === undefined && (await engine.create(projectName(files, text.untitled)));
        if (created) project.show(created);
        await add(files);
        // Of files that are no images nothing is left but what is said of them.
        if (created && project.images.value.length + project.models.value.length === 0) {
          await engine.forget(created.id);
          await project.close();
        }
      }
    });
  };

  const canPickFolders = (): boolean => description.value?.place === 'tab' && folders.canPick();
  const saving = createSaving({
    engine,
    project,
    annotation,
    training,
    measuring,
    settings,
    messages,
    saveFile,
    folders: { ...folders, canPick: canPickFolders },
  });

  /** The folder that the user chooses is the project: nothing is copied. */
  const openFolder = (): Promise<boolean> =>
    project.during(text.busy.opening, async () => {
      if (await folders.pick()) project.show(await engine.linkFolder());
    });

  const openProject = (id: string): Promise<boolean> =>
    project.during(text.busy.opening, async () => {
      if (!(await folders.allow(id))) {
        messages.note(text.folderNotAllowed);
        return;
      }
      const opened = await engine.open(id);
      project.show(opened);
      if (project.isElsewhere.value) messages.note(text.readOnly);
    });

  const openExample = (name: ExampleName): Promise<boolean> =>
    project.during(text.busy.example, async () => {
      const { exampleFiles } = await examples();
      project.show(await engine.create(text.start.examples[name].title));
      if (name === 'nuclei') {
        await annotation.changeTask('objects');
        if (!tour.isKnown) tour.begin(project.state.value?.id ?? '');
      }
      for (const file of exampleFiles(name)) await add([file]);
    });

  const dialog = signal<Dialog | undefined>(undefined);
  /** The page of the help that is open, or was last. */
  const helpTopic = signal<HelpTopic>('begin');

  const tour = createTour({
    settings,
    project,
    annotation,
    painting,
    live,
    training,
    checking,
    measuring,
    tab,
    dialog,
    onFinished: () => messages.note(text.tour.finished),
  });

  void engine.describe().then((found) => {
    description.value = found;
    if (found.project !== undefined) void openProject(found.project);
  }, messages.failed);
  void project.listRecent();

  return {
    engine,
    messages,
    settings,
    project,
    display,
    annotation,
    objects,
    painting,
    pointer,
    scene,
    description,
    live,
    training,
    checking,
    measuring,
    tab,
    dialog,
    helpTopic,
    openHelp(topic: HelpTopic): void {
      helpTopic.value = topic;
      dialog.value = 'help';
    },
    takeIn,
    examples,
    openExample,
    tour,
    /** Begins the tour again, on an example of its own. */
    takeTour(): Promise<boolean> {
      dialog.value = undefined;
      settings.tour.value = undefined;
      return openExample('nuclei');
    },
    openProject,
    openFolder,
    canPickFolders,
    forget: (id: string) =>
      project.during(text.busy.opening, async () => {
        await engine.forget(id);
        saving.forget(id);
        await project.listRecent();
      }),
    saving,
    leave: () =>
      project.during(text.busy.saving, async () => {
        await annotation.settled();
        await project.close();
      }),
  };
}
