import type { JSX } from 'preact';
import { keyCaps } from '../keys.ts';

/** Keys to be pressed together, each as its cap. @param name as `keyName` gives it */
export const Chord = ({ name }: { readonly name: string }): JSX.Element => (
  <span class="chord">
    {keyCaps(name).map((cap) => (
      <kbd key={cap}>{cap}</kbd>
    ))}
  </span>
);
