import type { JSX } from 'preact';

/** Letters at the end that are always shown. */
const END = 12;

/** A name in one line. One that is too long is shortened in its middle: what tells files apart is mostly at the end. */
export function FileName({ name, title = name }: { readonly name: string; readonly title?: string }): JSX.Element {
  const at = name.length - END;
  if (at <= END) return <span class="name">{name}</span>;
  return (
    <span class="name" title={title}>
      <span class="visually-hidden">{name}</span>
      <span class="shortened" aria-hidden="true">
        <span>{name.slice(0, at)}</span>
        <span>{name.slice(at)}</span>
      </span>
    </span>
  );
}
