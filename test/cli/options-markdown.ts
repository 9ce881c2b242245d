import type { Command, Option } from 'commander';

/** Outside of code, where `<folder>` would be a tag. */
const plain = (text: string): string => text.replaceAll('<', '&lt;');

/** An item of a list, in lines that fit a screen. */
function item(words: string): string {
  const lines = ['-'];
  for (const word of words.match(/`[^`]*`\S*|\S+/g) ?? []) {
    const line = lines.at(-1) as string;
    if (line.length + 1 + word.length <= 100) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines.join('\n');
}

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
  const lists = [...groups].map(([group, members]) =>
    [
      `**${group.replace(/:$/, '')}**`,
      '',
      ...members.map((option) => {
        const inText = /\s*\(default: ([^)]*)\)/.exec(option.description);
        const what = option.description.replace(/\s*\(default: [^)]*\)/, '');
        const byDefault = inText?.[1] ?? defaultOf(option);
        return item(`\`${option.flags}\`: ${plain(what)}${byDefault === '' ? '' : ` (default: ${plain(byDefault)})`}`);
      }),
    ].join('\n'),
  );
  const args = command.registeredArguments.map((argument) => {
    const name = argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
    return item(`\`${name}\`: ${plain(argument.description)}`);
  });
  return [`## lamella ${command.name()}`, command.description(), args.join('\n'), ...lists].join('\n\n');
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
