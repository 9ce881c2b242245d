import type { Command, Option } from 'commander';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function defaultOf({ defaultValue }: Option): string {
  if (defaultValue === undefined || defaultValue === true || /default:/.test(String(defaultValue))) return '';
  if (Array.isArray(defaultValue)) return [...defaultValue].reverse().join('x');
  if (typeof defaultValue === 'object' && defaultValue !== null) {
    const { ms, steps } = defaultValue as { readonly ms?: number; readonly steps?: number };
    return ms === undefined ? String(steps) : `${ms / 60_000}m`;
  }
  return String(defaultValue);
}

function commandMarkdown(command: Command): string {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const groups = new Map<string, Option[]>();
  for (const option of options) {
    const group = option.helpGroupHeading ?? 'Options:';
    groups.set(group, [...(groups.get(group) ?? []), option]);
  }
  const tables = [...groups].map(([group, members]) =>
    [
      ...(groups.size > 1 ? [`**${group.replace(/:$/, '')}**`, ''] : []),
      '| option | what | default |',
      '|---|---|---|',
      ...members.map((option) => {
        const inText = /\s*\(default: ([^)]*)\)/.exec(option.description);
        const what = option.description.replace(/\s*\(default: [^)]*\)/, '');
        return `| \`${option.flags}\` | ${cell(what)} | ${cell(inText?.[1] ?? defaultOf(option))} |`;
      }),
    ].join('\n'),
  );
  const args = command.registeredArguments.map((argument) => {
    const name = argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
    return `- \`${name}\` ${argument.description}`;
  });
  return [`## lamella ${command.name()}`, command.description(), args.join('\n'), ...tables].join('\n\n');
}

/** docs/options.md, made from the commands themselves. */
export function optionsMarkdown(root: Command): string {
  const intro = `# Options

\`lamella <command> --help\` prints the same with examples. What has no default is chosen from the data; a run prints
every choice with its reason and keeps it in its \`config.json\`.

Exit codes: 0 done, 1 failed (the data, a file, the machine), 2 wrong use, 130 stopped by Ctrl-C or SIGTERM (what was
trained is saved). Errors are one sentence on the error output; \`--verbose\` shows where they came from.`;
  return `${[intro, ...root.commands.map(commandMarkdown)].join('\n\n')}\n`;
}
