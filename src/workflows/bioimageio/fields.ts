/** Typed access to what a description says; errors name the full path of a field. */

import { FormatError } from '../../errors.ts';

export class Fields {
  readonly #value: unknown;
  readonly #path: string;
  readonly #file: string;

  constructor(value: unknown, path: string, file: string) {
    this.#value = value;
    this.#path = path;
    this.#file = file;
  }

  fail(problem: string): never {
    throw new FormatError(`'${this.#path || 'the description'}' ${problem}.`, {
      file: this.#file,
      remedy: 'Use a description of model format 0.4 or 0.5 (https://bioimage.io).',
    });
  }

  get isGiven(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  /** A field of an object; of anything else none is given. */
  at(key: string): Fields {
    const value = this.#value;
    const inner = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key);
    const content = inner ? (value as { readonly [key: string]: unknown })[key] : undefined;
    return new Fields(content, this.#path === '' ? key : `${this.#path}.${key}`, this.#file);
  }

  keys(): readonly string[] {
    return typeof this.#value === 'object' && this.#value !== null ? Object.keys(this.#value) : [];
  }

  /** The items of a list; none where it is not given. */
  list(): readonly Fields[] {
    if (!this.isGiven) return [];
    const items = Array.isArray(this.#value) ? this.#value : this.fail('is no list');
    return items.map((item: unknown, i) => new Fields(item, `${this.#path}[${i}]`, this.#file));
  }

  text(): string {
    return typeof this.#value === 'string' ? this.#value : this.fail('is no text');
  }

  number(): number {
    const value = this.#value;
    return typeof value === 'number' && Number.isFinite(value) ? value : this.fail('is no number');
  }

  /** A whole number of at least that. */
  whole(least: number): number {
    const value = this.number();
    return Number.isInteger(value) && value >= least
      ? value
      : this.fail(`is ${value}, and no whole number from ${least} on`);
  }

  /** A number of that range, both ends included. */
  within(least: number, most: number): number {
    const value = this.number();
    return value >= least && value <= most ? value : this.fail(`is ${value}, which is not in ${least}..${most}`);
  }

  /** One number or a list of them. */
  numbers(): number | readonly number[] {
    return Array.isArray(this.#value) ? this.list().map((item) => item.number()) : this.number();
  }

  texts(): readonly string[] {
    return this.list().map((item) => item.text());
  }

  /** What `read` gives, or undefined where the field is not given. */
  optional<T>(read: (field: Fields) => T): T | undefined {
    return this.isGiven ? read(this) : undefined;
  }

  get isList(): boolean {
    return Array.isArray(this.#value);
  }

  get isTrue(): boolean {
    return this.#value === true;
  }

  get isText(): boolean {
    return typeof this.#value === 'string';
  }
}
