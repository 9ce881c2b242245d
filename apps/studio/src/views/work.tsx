import type { JSX } from 'preact';
import { TABS, type Tab } from '../state/tabs.ts';
import { text } from '../text/text.ts';
import { AnnotateTab } from './annotate-tab.tsx';
import { Canvas } from './canvas.tsx';
import { CheckTab } from './check-tab.tsx';
import { useStudio } from './context.ts';
import { WorkHeader } from './header.tsx';
import { ImagesPanel } from './images-panel.tsx';
import { MeasureTab } from './measure-tab.tsx';
import { ObjectTable } from './object-table.tsx';
import { StatusLine } from './status-line.tsx';
import { Toolbar } from './toolbar.tsx';
import { Tour } from './tour.tsx';
import { TrainTab } from './train-tab.tsx';
import { ViewBar } from './view-bar.tsx';

const CONTENT: { readonly [tab in Tab]: () => JSX.Element } = {
  annotate: AnnotateTab,
  train: TrainTab,
  check: CheckTab,
  measure: MeasureTab,
};

export function Work(): JSX.Element {
  const { tab } = useStudio();
  return (
    <div class="work">
      <WorkHeader />
      <Tour />
      <ImagesPanel />
      <main class="stage">
        <Toolbar />
        <Canvas />
        <ViewBar />
        {tab.value === 'measure' && <ObjectTable />}
      </main>
      <SidePanel />
      <StatusLine />
    </div>
  );
}

function SidePanel(): JSX.Element {
  const { tab } = useStudio();
  const Content = CONTENT[tab.value];
  const walk = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    tab.value = TABS[(TABS.indexOf(tab.value) + step + TABS.length) % TABS.length];
    document.getElementById(`tab-${tab.value}`)?.focus();
  };
  return (
    <aside class="panel side">
      <div role="tablist" aria-label={text.tabs.title} onKeyDown={walk} tabIndex={-1}>
        {TABS.map((id) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={tab.value === id}
            aria-controls="tab-panel"
            tabIndex={tab.value === id ? 0 : -1}
            onClick={() => {
              tab.value = id;
            }}
          >
            {text.tabs[id]}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab.value}`} class="scroll" tabIndex={-1}>
        <Content />
      </div>
    </aside>
  );
}
