import { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { integer, number } from '../values.ts';

export interface DemoFlags {
  readonly minutes: number;
  readonly seed: number;
}

export function demoCommand(): Command {
  return new Command('demo')
    .summary('phantom, train, predict, evaluate and report in one go')
    .description(
      'Makes a synthetic EM stack, trains on most of its slices, segments and scores the others, and writes the report.\nEnds in about three minutes on two cores. With perceptron before the folder: the line of a perceptron moving, in seconds.',
    )
    .argument('[perceptron]', 'the word perceptron, for that demonstration')
    .argument('[folder]', 'where to write (default: ./demo, ./demo-perceptron)')
    .option('--minutes <x>', 'time for the training', number({ above: 0 }), 2.3)
    .option('--seed <n>', 'seed of data and training', integer(0), 1)
    .addHelpText('after', '\nExamples:\n  lamella demo ./demo\n  lamella demo perceptron')
    .action(async (first: string | undefined, second: string | undefined, flags: DemoFlags) => {
      if (first === 'perceptron') {
        const { runDemoPerceptron } = await import('../run/demo-perceptron.ts');
        return runDemoPerceptron(second ?? './demo-perceptron', flags);
      }
      if (second !== undefined) {
        throw new UsageError(`"${first}" and "${second}" are two folders.`, { remedy: 'Give one.' });
      }
      const { runDemo } = await import('../run/demo.ts');
      await runDemo(first ?? './demo', flags);
    });
}
