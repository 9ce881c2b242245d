import { describe, expect, test } from 'vitest';
import { lamella } from './command.ts';

const COMMANDS = [
  'demo',
  'phantom',
  'inspect',
  'convert',
  'train',
  'predict',
  'evaluate',
  'measure',
  'report',
  'explain',
  'compare',
  'augment',
];

describe('help', () => {
  test('lamella --help names every command and exits with 0', async () => {
    const { code, stdout, stderr } = await lamella(['--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(stdout).toContain('Examples:');
  });

  test.each(COMMANDS)('lamella %s --help has examples and exits with 0', async (name) => {
    const { code, stdout } = await lamella([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples?:\n {2}lamella /);
    expect(stdout).toContain('--verbose');
  });

  test('without any command the help goes to the error output, with exit code 2', async () => {
    const { code, stdout, stderr } = await lamella([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Commands:');
  });

  test('--version prints the version alone', async () => {
    const { code, stdout } = await lamella(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong use exits with 2, says what was meant, and shows no stack trace', () => {
  test.each([
    ['an unknown command', ['trian', 'x'], /unknown command 'trian'[\s\S]*Did you mean train\?/],
    ['an unknown option', ['train', 'x', '--bse', '8'], /unknown option '--bse'[\s\S]*Did you mean --base\?/],
    [
      'an unknown value',
      ['train', 'x', '--network', 'unet2051'],
      /Use one of unet, unet2015, .*\. \(Did you mean unet2015\?\)/,
    ],
    [
      'a value of an optimizer',
      ['train', 'x', '--optimizer', 'adamW'],
      /Use one of sgd, adam, adamw\. \(Did you mean adamw\?\)/,
    ],
    ['a device', ['predict', 'm', 'x', '--device', 'gpu'], /Use one of auto, cpu, webgpu, cuda/],
    ['not a number', ['train', 'x', '--steps', 'many'], /An integer of at least 1 is expected/],
    ['a fraction where an integer belongs', ['train', 'x', '--batch', '1.5'], /An integer from 1 to 4096 is expected/],
    ['a learning rate of 0', ['train', 'x', '--lr', '0'], /A number greater than 0 is expected/],
    ['a size', ['train', 'x', '--patch', '64by64'], /256 or 256x192/],
    ['an interval', ['train', 'x', '--checkpoint-every', '5 minutes'], /500, 30s, 2m/],
    ['folds', ['train', 'x', '--folds', '5/5'], /0\/5 \.\. 4\/5/],
    ['tta', ['predict', 'm', 'x', '--tta', '3'], /Use one of 1, 4, 8/],
    ['a missing argument', ['predict', 'm'], /missing required argument 'images'/],
    ['one argument too many', ['phantom', 'a', 'b'], /too many arguments/],
    [
      'steps and minutes',
      ['train', 'x', '--steps', '5', '--minutes', '5'],
      /--steps and --minutes are mutually exclusive/,
    ],
    ['a point that is none', ['explain', 'm', 'x', '--at', '12'], /Two integers x,y are expected: 120,80/],
    ['one run to compare', ['compare', 'a'], /needs at least two runs/],
    ['no folder', ['train'], /There is no folder to train on/],
    ['a run to resume and another to write', ['train', 'x', '--resume', 'y', '--out', 'z'], /mutually exclusive/],
    ['an overlap of stars that are none', ['predict', 'm', 'x', '--overlap', '0.3'], /Add --separate stars/],
    ['stars in several jobs', ['predict', 'm', 'x', '--separate', 'stars', '--shard', '1/2'], /not for several jobs/],
    ['resume with options of a new run', ['train', '--resume', 'x', '--lr', '1'], /--lr does not go with --resume/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await lamella(args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^lamella: /);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect([code, stdout]).toEqual([2, '']);
  });
});
