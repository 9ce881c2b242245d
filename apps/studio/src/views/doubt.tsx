import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';

/** Said wherever the network is used that was trained last, if it has not learned enough. */
export function Doubt(): JSX.Element | null {
  const { doubt, behindQuick } = useStudio().training;
  const found = doubt.value && text.train.doubt(doubt.value);
  const said = found ?? (behindQuick.value && text.train.behindQuick(behindQuick.value));
  return said === undefined ? null : (
    <p class="hint" role="status">
      {said}
    </p>
  );
}
