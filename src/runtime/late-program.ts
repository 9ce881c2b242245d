import type { NdArray } from '../array/ndarray.ts';
import type { Feeds, Program, TensorSpec } from './runtime.ts';

type Arrays = { readonly [name: string]: NdArray };

/** A program that is loaded when it is first used. */
export class LateProgram implements Program {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #load: () => Promise<Program>;
  #loaded: Promise<Program> | undefined;

  constructor({ inputs, outputs }: Pick<Program, 'inputs' | 'outputs'>, load: () => Promise<Program>) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.#load = load;
  }

  async run(feeds: Feeds, into?: Feeds): Promise<Arrays> {
    return (await this.#program()).run(feeds, into);
  }

  async writeState(state: Arrays): Promise<void> {
    await (await this.#program()).writeState(state);
  }

  async readState(names?: readonly string[]): Promise<Arrays> {
    return (await this.#program()).readState(names);
  }

  async dispose(): Promise<void> {
    await (await this.#loaded)?.dispose();
  }

  #program(): Promise<Program> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }
}
