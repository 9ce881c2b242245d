/** Commands as they are declared: arguments, options and help. What a command does is in `run/`. */

import { Argument, Command } from 'commander';
import { addOptions, type Rows, type Values, valuesOf } from './options.ts';

/** An argument by its place: `<required>`, `[optional]` or `<several...>`. */
interface Positional {
  readonly name: string;
  readonly help: string;
  readonly parse?: (text: string) => string;
  readonly byDefault?: string;
}

export interface Declaration<P extends readonly Positional[], R extends Rows> {
  readonly description: string;
  /** In place of what follows from the arguments. */
  readonly usage?: string;
  readonly positionals: P;
  readonly options: R;
  /** Options that it does not know are arguments. */
  readonly passesOptions?: boolean;
  /** Command lines, without the name of the program. */
  readonly examples: readonly string[];
}

type PositionalValue<P extends Positional> = P['name'] extends `${string}...>`
  ? readonly [string, ...string[]]
  : P extends { readonly byDefault: string } | { readonly name: `<${string}` }
    ? string
    : string | undefined;

/** What does the work of a command, with its arguments and options once parsed. */
type Action<P extends readonly Positional[], R extends Rows> = (
  positionals: { readonly [K in keyof P]: PositionalValue<P[K]> },
  options: Values<R>,
) => Promise<void>;

/** The parameters of the `run` of a command. */
export type Positionals<D> = D extends Declaration<infer P, infer R> ? Parameters<Action<P, R>>[0] : never;
export type Options<D> = D extends Declaration<infer P, infer R> ? Parameters<Action<P, R>>[1] : never;

export const declare = <const P extends readonly Positional[], R extends Rows>(
  declaration: Declaration<P, R>,
): Declaration<P, R> => declaration;

/** A command in the list of commands. Its declaration is loaded on demand, its code when it runs. */
export interface ListedCommand {
  readonly summary: string;
  readonly load: (name: string) => Promise<Command>;
}

/** The command itself. */
export function commandOf<P extends readonly Positional[], R extends Rows>(
  name: string,
  { description, usage, positionals, options, examples, passesOptions = false }: Declaration<P, R>,
  run: Action<P, R>,
): Command {
  const command = new Command(name).description(description).allowUnknownOption(passesOptions);
  if (usage !== undefined) command.usage(usage);
  for (const { name: placed, help, parse, byDefault } of positionals) {
    const argument = new Argument(placed, help).default(byDefault);
    command.addArgument(parse === undefined ? argument : argument.argParser(parse));
  }
  const lines = examples.map((line) => `\n  lamella ${line}`).join('');
  return addOptions(command, options)
    .addHelpText('after', `\n${examples.length === 1 ? 'Example' : 'Examples'}:${lines}`)
    .action(() => run(command.processedArgs as unknown as Positionals<Declaration<P, R>>, valuesOf(command, options)));
}

export function listed<P extends readonly Positional[], R extends Rows>(
  summary: string,
  declaration: () => Promise<{ readonly command: Declaration<P, R> }>,
  action: () => Promise<{ readonly run: Action<P, R> }>,
): ListedCommand {
  const load = async (name: string): Promise<Command> =>
    commandOf(name, (await declaration()).command, async (positionals, options) => {
      const { run } = await action();
      await run(positionals, options);
    });
  return { summary, load };
}
