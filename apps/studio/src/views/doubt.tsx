import type { RunInfo } from 'lamella/studio';
import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';

interface DoubtProps {
  /** Default: the one that was trained last. */
  readonly run?: RunInfo;
  /** Whether the quick model is used instead: then only what is better about it is said. */
  readonly byQuick?: boolean;
}

/** Said wherever a network is used that has not learned enough. */
export function Doubt({ run, byQuick }: DoubtProps): JSX.Element | null {
  const { training } = useStudio();
  const { doubt, behindQuick, unlikeQuick } = run ?? training.runs.value.at(-1) ?? {};
  const said =
    (doubt && !byQuick ? text.train.doubt(doubt) : undefined) ??
    (behindQuick && text.train.behindQuick(behindQuick)) ??
    (unlikeQuick && !byQuick ? text.train.unlikeQuick(unlikeQuick) : undefined);
  return said === undefined ? null : (
    <p class="hint" role="status">
      {said}
    </p>
  );
}
