import { Sparkles, X } from 'lucide';
import type { JSX } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { shortcut } from '../commands.ts';
import { keyCaps } from '../keys.ts';
import { TOUR_STEPS } from '../state/tour.ts';
import { text } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { useStudio } from './context.ts';
import { Icon } from './icon.tsx';

/** A line that says what to do next, and a ring around what to do it with. */
export function Tour(): JSX.Element {
  const { tour, settings } = useStudio();
  const step = tour.step.value;
  const target = tour.target.value;
  useLayoutEffect(() => (target === undefined ? undefined : pointAt(target)), [target]);
  const key = (command: string): string => keyCaps(shortcut(command, settings.keys.value) ?? '').join('+');
  return (
    <section class={step === undefined ? 'tour idle' : 'tour'} aria-label={text.tour.title}>
      {step !== undefined && <Icon of={Sparkles} />}
      {/* Always there, so that screen readers say what comes into it. */}
      <p class="grow" role="status">
        {step !== undefined && text.tour.steps[step](key)}
      </p>
      {step !== undefined && (
        <>
          <span class="muted number">{text.tour.position(TOUR_STEPS.indexOf(step) + 1, TOUR_STEPS.length)}</span>
          <button type="button" class="quiet" onClick={tour.next}>
            {text.tour.next}
          </button>
          <IconButton class="quiet" icon={X} label={text.tour.skip} onClick={tour.skip} />
        </>
      )}
    </section>
  );
}

const POINTED = 'data-pointed';
/** By which the steps of the tour find what they point at. */
const FOUND_BY = ['class', 'id', 'data-class', 'data-command', 'data-topic', 'data-tour'];

/** Marks the element that a selector finds, also when it comes later, or becomes another one. @returns what ends it */
function pointAt(selector: string): () => void {
  const mark = (): void => {
    const target = document.querySelector(selector);
    for (const marked of document.querySelectorAll(`[${POINTED}]`))
      if (marked !== target) marked.removeAttribute(POINTED);
    target?.setAttribute(POINTED, '');
  };
  mark();
  const observer = new MutationObserver(mark);
  observer.observe(document.body, { childList: true, subtree: true, attributeFilter: FOUND_BY });
  return () => {
    observer.disconnect();
    document.querySelector(`[${POINTED}]`)?.removeAttribute(POINTED);
  };
}
