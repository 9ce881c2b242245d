import type { JSX } from 'preact';

/** Letters at the end that are always shown. */
const END = 12;

/**
 * A name in one line. One that is too long is shortened in its middle: what tells files apart is mostly at the end.
 * @param title shown at the pointer; default: a name that is shortened
 */
export function FileName({ name, title }: { readonly name: string; readonly title?: string }): JSX.Element {
  const at = name.length - END;
  if (at <= END) {
    return (
      <span class="name" title={title}>
        {name}
      </span>
    );
  }
  return (
    <span class="name" title={title ?? name}>
      <span class="visually-hidden">{name}</span>
      <span class="shortened" aria-hidden="true">
        <span>{name.slice(0, at)}</span>
        <span>{name.slice(at)}</span>
      </span>
    </span>
  );
}
