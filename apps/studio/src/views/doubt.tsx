import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';

/** Said wherever the network is used that was trained last, if it has not learned enough. */
export function Doubt(): JSX.Element | null {
  const doubt = useStudio().training.doubt.value;
  return doubt === undefined ? null : (
    <p class="hint" role="status">
      {text.train.doubt(doubt)}
    </p>
  );
}
