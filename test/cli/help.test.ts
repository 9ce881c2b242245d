import { expect, test } from 'vitest';
import { program } from '../../src/cli/program.ts';

const helps = (await program()).commands.map((command) => [command.name(), command.helpInformation()] as const);

test.each(helps)('the help of %s has defaults that one can type, and fills its lines', (_, help) => {
  expect(help).not.toMatch(/default: [[{]/);
  const description = (help.split('\n\n')[1] as string).split('\n');
  for (const [i, line] of description.entries()) {
    expect(line.length).toBeLessThanOrEqual(100);
    // The first word of the next line would not have fitted.
    const next = description[i + 1]?.split(' ')[0];
    if (next !== undefined) expect(line.length + 1 + next.length).toBeGreaterThan(100);
  }
});
