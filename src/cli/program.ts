import { Command, CommanderError, Option } from 'commander';
import { packageVersion } from '../platform/node/version.ts';
import { augmentCommand } from './commands/augment.ts';
import { benchCommand } from './commands/bench.ts';
import { compareCommand } from './commands/compare.ts';
import { demoCommand } from './commands/demo.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { explainCommand } from './commands/explain.ts';
import { inspectCommand } from './commands/inspect.ts';
import { measureCommand } from './commands/measure.ts';
import { phantomCommand } from './commands/phantom.ts';
import { predictCommand } from './commands/predict.ts';
import { profileCommand } from './commands/profile.ts';
import { reportCommand } from './commands/report.ts';
import { trainCommand } from './commands/train.ts';
import { explainFailure } from './failure.ts';

/** The whole command line. Commands bring in their code when they run, so that `--help` is quick. */
export function program(): Command {
  const root = new Command('lamella')
    .description('Train, run and measure segmentation networks for microscope and CT images.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText(
      'after',
      `
Examples:
  lamella demo                            everything on synthetic data, in three minutes
  lamella train ./my-data --minutes 15    images/ and labels/ inside
  lamella predict runs/my-data-1 ./new --out ./pred

lamella <command> --help tells the options of a command.`,
    );
  for (const command of [
    demoCommand(),
    phantomCommand(),
    inspectCommand(),
    trainCommand(),
    predictCommand(),
    evaluateCommand(),
    measureCommand(),
    reportCommand(),
    explainCommand(),
    compareCommand(),
    augmentCommand(),
    profileCommand(),
    benchCommand(),
  ]) {
    command.addOption(new Option('--verbose', 'show where an error came from'));
    command.helpOption('-h, --help', 'print this help');
    root.addCommand(command);
  }
  for (const command of [root, ...root.commands]) {
    command
      .exitOverride()
      .showSuggestionAfterError()
      .configureHelp({
        sortSubcommands: false,
        helpWidth: 100,
        commandDescription: (described) => described.description().replaceAll('\n', ' '),
      })
      .configureOutput({
        outputError: (text, write) => write(`lamella: ${text.replace(/^error: /, '')}`),
      });
  }
  for (const command of root.commands) {
    command.showHelpAfterError(`lamella ${command.name()} --help tells what it takes.`);
  }
  root.showHelpAfterError('lamella --help tells the commands.');
  return root;
}

/**
 * Runs a command line.
 * @param args without the interpreter and the script
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C or SIGTERM
 */
export async function run(args: readonly string[]): Promise<number> {
  const root = program();
  if (args.length === 0) {
    root.outputHelp({ error: true });
    return 2;
  }
  try {
    await root.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? 0 : 2;
    const { text, exitCode } = explainFailure(cause, { verbose: args.includes('--verbose') });
    process.stderr.write(`${text}\n`);
    return exitCode;
  }
}
