import type { JSX } from 'preact';

interface Props<T> {
  /** Of the group of radio buttons. */
  readonly name: string;
  readonly options: readonly T[];
  readonly chosen: T | undefined;
  readonly disabled?: boolean;
  label(option: T): string;
  choose(option: T): void;
}

/** One of a few, side by side. */
export function Segments<T extends string | number>(props: Props<T>): JSX.Element {
  const { name, options, chosen, disabled = false, label, choose } = props;
  return (
    <div class="segments">
      {options.map((option) => (
        <label key={option}>
          <input
            type="radio"
            name={name}
            checked={chosen === option}
            disabled={disabled}
            onChange={() => choose(option)}
          />
          <span>{label(option)}</span>
        </label>
      ))}
    </div>
  );
}
