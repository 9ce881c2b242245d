import { declare } from '../declare.ts';
import { row } from '../options.ts';
import { integer, number } from '../values.ts';

export const command = declare({
  description: `Creates a synthetic EM stack, trains on most of its slices, segments and scores the others, and writes the report.
Takes about three minutes on two cores. With the word perceptron before the folder: shows how the decision line of a perceptron moves, in seconds.`,
  positionals: [
    { name: '[perceptron]', help: 'the word perceptron, for that demonstration' },
    { name: '[folder]', help: 'where to write (default: ./demo, ./demo-perceptron)' },
  ],
  options: {
    minutes: row('--minutes <x>', 'training time', number({ above: 0 }), 2.3),
    seed: row('--seed <n>', 'random seed of data and training', integer(0), 1),
  },
  examples: ['demo ./demo', 'demo perceptron'],
});
