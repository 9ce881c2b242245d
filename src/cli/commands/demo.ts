import { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { addOptions, row, valuesOf } from '../options.ts';
import { integer, number } from '../values.ts';

const OPTIONS = {
  minutes: row('--minutes <x>', 'training time', number({ above: 0 }), 2.3),
  seed: row('--seed <n>', 'random seed of data and training', integer(0), 1),
};

export function demoCommand(): Command {
  const command = new Command('demo')
    .description(
      `Creates a synthetic EM stack, trains on most of its slices, segments and scores the others, and writes the report.
Takes about three minutes on two cores. With the word perceptron before the folder: shows how the decision line of a perceptron moves, in seconds.`,
    )
    .argument('[perceptron]', 'the word perceptron, for that demonstration')
    .argument('[folder]', 'where to write (default: ./demo, ./demo-perceptron)');
  return addOptions(command, OPTIONS)
    .addHelpText('after', '\nExamples:\n  lamella demo ./demo\n  lamella demo perceptron')
    .action(async (first: string | undefined, second: string | undefined) => {
      const options = valuesOf(command, OPTIONS);
      if (first === 'perceptron') {
        const { runDemoPerceptron } = await import('../run/demo-perceptron.ts');
        return runDemoPerceptron(second ?? './demo-perceptron', options);
      }
      if (second !== undefined) {
        throw new UsageError(`"${first}" and "${second}" are two folders.`, { remedy: 'Name only one.' });
      }
      const { runDemo } = await import('../run/demo.ts');
      await runDemo(first ?? './demo', options);
    });
}
