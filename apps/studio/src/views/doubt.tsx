import type { RunInfo } from 'lamella/studio';
import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';

type Doubts = Pick<RunInfo, 'doubt' | 'behindQuick' | 'unlikeQuick'>;

/** Said wherever a network is used that has not learned enough. @param run default: the one that was trained last */
export function Doubt({ run }: { readonly run?: Doubts }): JSX.Element | null {
  const { training } = useStudio();
  const { doubt, behindQuick, unlikeQuick } = run ?? training.runs.value.at(-1) ?? {};
  const said =
    (doubt && text.train.doubt(doubt)) ??
    (behindQuick && text.train.behindQuick(behindQuick)) ??
    (unlikeQuick && text.train.unlikeQuick(unlikeQuick));
  return said === undefined ? null : (
    <p class="hint" role="status">
      {said}
    </p>
  );
}
