import type { IconNode } from 'lucide';
import { h, type JSX } from 'preact';

/** A drawing of Lucide in the size and colour of the text around it; what it means is said by its button. */
export function Icon({ of, size = 16 }: { readonly of: IconNode; readonly size?: number }): JSX.Element {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width={size > 16 ? 1.75 : 2}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {of.map(([tag, attributes]) => h(tag, { key: JSON.stringify(attributes), ...attributes }))}
    </svg>
  );
}

/** The mark of the product: sections of one block. */
export const Logo = ({ size = 22 }: { readonly size?: number }): JSX.Element => (
  <svg class="logo" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
    <rect x="3" y="4" width="4" height="16" rx="2" transform="skewY(-8) translate(0 1)" />
    <rect x="10" y="4" width="4" height="16" rx="2" transform="skewY(-8) translate(0 1.5)" opacity="0.7" />
    <rect x="17" y="4" width="4" height="16" rx="2" transform="skewY(-8) translate(0 2)" opacity="0.4" />
  </svg>
);
