import { Command, CommanderError, Option } from 'commander';
import { packageVersion } from '../platform/node/version.ts';
import { type ListedCommand, listed } from './declare.ts';

/** Commands and their summaries. To add one: its two files, and its lines here. */
const COMMANDS: { readonly [name: string]: ListedCommand } = {
  demo: listed(
    'end-to-end demo on synthetic data',
    () => import('./commands/demo.ts'),
    () => import('./run/demo.ts'),
  ),
  phantom: listed(
    'create a synthetic EM stack with labels',
    () => import('./commands/phantom.ts'),
    () => import('./run/phantom.ts'),
  ),
  inspect: listed(
    'describe an image, a folder or a model',
    () => import('./commands/inspect.ts'),
    () => import('./run/inspect.ts'),
  ),
  convert: listed(
    'convert an image to OME-Zarr, OME-TIFF and others',
    () => import('./commands/convert.ts'),
    () => import('./run/convert.ts'),
  ),
  train: listed(
    'train a network on a folder of images and labels',
    () => import('./commands/train.ts'),
    () => import('./run/train.ts'),
  ),
  predict: listed(
    'segment or classify images with a trained network',
    () => import('./commands/predict.ts'),
    () => import('./run/predict.ts'),
  ),
  jobs: listed(
    'files for schedulers, to predict on several machines',
    () => import('./commands/jobs.ts'),
    () => import('./run/jobs.ts'),
  ),
  studio: listed(
    'paint, train, check and measure in the browser',
    () => import('./commands/studio.ts'),
    () => import('./run/studio.ts'),
  ),
  suggest: listed(
    'suggest where to annotate next',
    () => import('./commands/suggest.ts'),
    () => import('./run/suggest.ts'),
  ),
  evaluate: listed(
    'score predictions against ground truth',
    () => import('./commands/evaluate.ts'),
    () => import('./run/evaluate.ts'),
  ),
  measure: listed(
    'measure objects or lungs, with tables and a report',
    () => import('./commands/measure.ts'),
    () => import('./run/measure.ts'),
  ),
  report: listed(
    'write the report of a run as one HTML file',
    () => import('./commands/report.ts'),
    () => import('./run/report.ts'),
  ),
  explain: listed(
    'show what a network does to one image, number by number',
    () => import('./commands/explain.ts'),
    () => import('./run/explain.ts'),
  ),
  export: listed(
    'write a model for other programs, as a package of BioImage.IO',
    () => import('./commands/export.ts'),
    () => import('./run/export.ts'),
  ),
  compare: listed(
    'compare runs: scores with confidence intervals, cost',
    () => import('./commands/compare.ts'),
    () => import('./run/compare.ts'),
  ),
  augment: listed(
    'preview the augmented training patches',
    () => import('./commands/augment.ts'),
    () => import('./run/augment.ts'),
  ),
  profile: listed(
    'what each layer of a network costs',
    () => import('./commands/profile.ts'),
    () => import('./run/profile.ts'),
  ),
  bench: listed(
    'benchmark dense evaluation on this machine',
    () => import('./commands/bench.ts'),
    () => import('./run/bench.ts'),
  ),
};

/** The whole command line. Commands not in `asked` have only a summary, so that `--help` is fast. */
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
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = asked.includes(name) ? await load(name) : new Command(name);
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
