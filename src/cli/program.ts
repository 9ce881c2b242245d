import { Command, CommanderError, Option } from 'commander';
import { packageVersion } from '../platform/node/version.ts';

/** Commands with what the list of them says, each loaded when it is asked for. To add one: its file, and its line here. */
const COMMANDS: { readonly [name: string]: readonly [summary: string, load: () => Promise<Command>] } = {
  demo: ['end-to-end demo on synthetic data', async () => (await import('./commands/demo.ts')).demoCommand()],
  phantom: [
    'create a synthetic EM stack with labels',
    async () => (await import('./commands/phantom.ts')).phantomCommand(),
  ],
  inspect: [
    'describe an image, a folder or a model',
    async () => (await import('./commands/inspect.ts')).inspectCommand(),
  ],
  train: [
    'train a network on a folder of images and labels',
    async () => (await import('./commands/train.ts')).trainCommand(),
  ],
  predict: [
    'segment or classify images with a trained network',
    async () => (await import('./commands/predict.ts')).predictCommand(),
  ],
  evaluate: [
    'score predictions against ground truth',
    async () => (await import('./commands/evaluate.ts')).evaluateCommand(),
  ],
  measure: [
    'measure objects or lungs, with tables and a report',
    async () => (await import('./commands/measure.ts')).measureCommand(),
  ],
  report: [
    'write the report of a run as one HTML file',
    async () => (await import('./commands/report.ts')).reportCommand(),
  ],
  explain: [
    'show what a network does to one image, number by number',
    async () => (await import('./commands/explain.ts')).explainCommand(),
  ],
  compare: [
    'compare runs: scores with confidence intervals, cost',
    async () => (await import('./commands/compare.ts')).compareCommand(),
  ],
  augment: [
    'preview the augmented training patches',
    async () => (await import('./commands/augment.ts')).augmentCommand(),
  ],
  profile: ['what each layer of a network costs', async () => (await import('./commands/profile.ts')).profileCommand()],
  bench: [
    'benchmark dense evaluation on this machine',
    async () => (await import('./commands/bench.ts')).benchCommand(),
  ],
};

/** The whole command line. Commands that are not among `asked` have a summary alone, so that `--help` is quick. */
export async function program(asked: readonly string[] = Object.keys(COMMANDS)): Promise<Command> {
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

lamella <command> --help lists the options of a command.`,
    );
  for (const [name, [summary, load]] of Object.entries(COMMANDS)) {
    const command = asked.includes(name) ? await load() : new Command(name);
    command.summary(summary);
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
    command.showHelpAfterError(`lamella ${command.name()} --help lists its options.`);
  }
  root.showHelpAfterError('lamella --help lists the commands.');
  return root;
}

/**
 * Runs a command line.
 * @param args without the interpreter and the script
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C or SIGTERM
 */
export async function run(args: readonly string[]): Promise<number> {
  const root = await program(args);
  if (args.length === 0) {
    root.outputHelp({ error: true });
    return 2;
  }
  try {
    await root.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? 0 : 2;
    const { explainFailure } = await import('./failure.ts');
    const { text, exitCode } = explainFailure(cause, { verbose: args.includes('--verbose') });
    process.stderr.write(`${text}\n`);
    return exitCode;
  }
}
