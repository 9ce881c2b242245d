import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';

/** Said wherever the network is used that was trained last, if it has not learned enough. */
export function Doubt(): JSX.Element | null {
  const { doubt, behindQuick, unlikeQuick } = useStudio().training;
  const said =
    (doubt.value && text.train.doubt(doubt.value)) ??
    (behindQuick.value && text.train.behindQuick(behindQuick.value)) ??
    (unlikeQuick.value && text.train.unlikeQuick(unlikeQuick.value));
  return said === undefined ? null : (
    <p class="hint" role="status">
      {said}
    </p>
  );
}
