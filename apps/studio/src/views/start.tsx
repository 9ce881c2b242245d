/** The first screen: nothing is asked before the images. */

import { useSignal } from '@preact/signals';
import type { EngineDescription, GivenFile, ProjectSummary } from 'lamella/studio';
import { FolderOpen, ImagePlus, ShieldCheck } from 'lucide';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ExampleName } from '../example.ts';
import { ago, fileSize } from '../format.ts';
import type { Thumbnail } from '../state/project.ts';
import { text } from '../text/text.ts';
import { confirm } from './confirm.tsx';
import { useStudio } from './context.ts';
import { chooseFiles, chooseFolder, dropHandlers } from './file-choice.ts';
import { HeaderButtons } from './header.tsx';
import { Icon, Logo } from './icon.tsx';
import { Picture } from './images-panel.tsx';

export function Start(): JSX.Element {
  const studio = useStudio();
  const over = useSignal(false);
  const take = (files: readonly GivenFile[]) => void studio.takeIn(files);
  const { busy } = studio.project;
  const openFolder = (): void =>
    void (studio.canPickFolders() ? studio.openFolder() : chooseFolder().then((files) => studio.takeIn(files)));
  return (
    <div class="start">
      <header class="bar">
        <span class="brand">
          <Logo />
          {text.product}
        </span>
        <span class="grow" />
        <HeaderButtons />
      </header>
      <main>
        <section
          class={`drop ${over.value ? 'over' : ''}`}
          aria-busy={busy.value !== undefined}
          {...dropHandlers(over, take)}
        >
          <Drawing />
          <h1>{busy.value ?? text.start.drop}</h1>
          <p class="muted">{text.start.formats}</p>
          <div class="row centre">
            <button type="button" class="primary" onClick={() => void chooseFiles().then(take)}>
              <Icon of={ImagePlus} />
              {text.start.chooseFiles}
            </button>
            <button type="button" onClick={openFolder}>
              <Icon of={FolderOpen} />
              {text.start.chooseFolder}
            </button>
          </div>
        </section>
        <Recent projects={studio.project.recent.value} />
        <Examples />
        <Place description={studio.description.value} />
        <ol class="steps">
          {text.start.steps.map(([title, body]) => (
            <li key={title}>
              <strong>{title}</strong>
              <span class="muted">{body}</span>
            </li>
          ))}
        </ol>
      </main>
    </div>
  );
}

const EXAMPLES = Object.keys(text.start.examples) as readonly ExampleName[];

function Examples(): JSX.Element {
  const studio = useStudio();
  const pictures = useSignal<{ readonly [name in ExampleName]?: Thumbnail }>({});
  useEffect(() => {
    void studio.examples().then(({ examplePicture }) => {
      pictures.value = { nuclei: examplePicture('nuclei'), tissue: examplePicture('tissue') };
    });
  }, [studio, pictures]);
  return (
    <section class="examples" aria-labelledby="examples">
      <h2 id="examples">{text.start.tryExample}</h2>
      <div class="cards">
        {EXAMPLES.map((name) => (
          <button key={name} type="button" onClick={() => void studio.openExample(name)}>
            <Picture thumbnail={pictures.value[name]} />
            <span class="names">
              <strong>{text.start.examples[name].title}</strong>
              <span class="muted">{text.start.examples[name].body}</span>
            </span>
          </button>
        ))}
      </div>
    </section>
  );
}

/** Privacy first, then what this computer has to offer. */
function Place({ description }: { readonly description: EngineDescription | undefined }): JSX.Element {
  const facts = description && [
    description.devices.map(({ label }) => text.start.device(label)).join(', '),
    description.storage && text.start.free(fileSize(description.storage.free)),
  ];
  return (
    <div class="place">
      <p>
        <Icon of={ShieldCheck} />
        {description?.place === 'server' ? text.start.privateServer : text.start.private}
      </p>
      <p class="muted" aria-live="polite">
        {facts === undefined ? text.busy.starting : `${text.start.here}: ${facts.filter(Boolean).join(' · ')}`}
        {description?.threadsNote !== undefined && <span class="block">{description.threadsNote}</span>}
      </p>
    </div>
  );
}

function Recent({ projects }: { readonly projects: readonly ProjectSummary[] }): JSX.Element | null {
  const studio = useStudio();
  if (projects.length === 0) return null;
  // Elsewhere a project is a folder on disk, which is its owner's to delete.
  const isTab = studio.description.value?.place === 'tab';
  return (
    <section class="recent" aria-labelledby="recent">
      <h2 id="recent">{text.start.recent}</h2>
      <ul>
        {projects.map((project) => (
          <li key={project.id}>
            <button type="button" class="plain wide" onClick={() => void studio.openProject(project.id)}>
              <strong>{project.name}</strong>
              <span class="muted">
                {project.folder === undefined || project.images > 0
                  ? `${text.start.images(project.images)} · ${fileSize(project.bytes)} · ${ago(Date.parse(project.changed), Date.now())}`
                  : text.start.inFolder(project.folder)}
                {isTab && ` · ${onDisk(project, studio.settings.savedAtMs.value[project.id])}`}
              </span>
            </button>
            {isTab && <Forget project={project} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Forget({ project }: { readonly project: ProjectSummary }): JSX.Element {
  const studio = useStudio();
  const ask = async (): Promise<void> => {
    const { forgetQuestion, forgetWarning, forget } = text.start;
    if (await confirm(forgetQuestion(project.name), forgetWarning, forget)) await studio.forget(project.id);
  };
  return (
    <button type="button" class="quiet" aria-label={`${text.start.forget}: ${project.name}`} onClick={() => void ask()}>
      {text.start.forget}
    </button>
  );
}

/** Whether there is a copy outside of the browser. */
const onDisk = ({ savedToDisk }: ProjectSummary, savedAtMs: number | undefined): string => {
  const ms = savedToDisk === undefined ? savedAtMs : Date.parse(savedToDisk);
  return ms === undefined ? text.start.notOnDisk : text.start.savedToDisk(ago(ms, Date.now()));
};

/** A section through cells, as the product labels them. */
const Drawing = (): JSX.Element => (
  <svg class="drawing" viewBox="0 0 200 84" aria-hidden="true">
    <g fill="none" stroke="currentColor" stroke-width="1.5">
      <path class="cell a" d="M20 20c14-12 34-10 42 2s2 32-12 40-34 4-40-10 0-24 10-32Z" />
      <path class="cell b" d="M80 12c16-8 34-2 40 12s-4 34-20 38-32-6-34-22 2-22 14-28Z" />
      <path class="cell c" d="M140 24c12-12 32-10 40 4s0 32-14 38-32-2-36-16 2-18 10-26Z" />
    </g>
    <g fill="currentColor">
      <circle class="cell a" cx="38" cy="38" r="7" />
      <circle class="cell b" cx="98" cy="36" r="8" />
      <circle class="cell c" cx="158" cy="44" r="7" />
    </g>
  </svg>
);
