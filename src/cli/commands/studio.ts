import { declare } from '../declare.ts';
import { no, row } from '../options.ts';
import { integer } from '../values.ts';

export const command = declare({
  description: `Opens Lamella Studio in the browser: paint, train, check, measure and export, with everything computed by this program.
Only this machine can reach it, with the address that it prints; nothing is sent to any other. Ctrl-C ends it.`,
  positionals: [
    {
      name: '[folder]',
      help: 'a project, or a folder of images and labels, which becomes one; or a folder of projects (default: the current one)',
    },
  ],
  options: {
    port: row(
      '--port <n>',
      'port on this machine (default: the last one on this folder, or a free one)',
      integer(1, 65_535),
    ),
    open: no('--no-open', 'do not open the browser'),
  },
  examples: ['studio ./my-data', 'studio ./projects --port 8080 --no-open'],
});
