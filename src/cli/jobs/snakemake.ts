import { joinPath } from '../../files.ts';
import { RECORDS } from '../../workflows/shards/plan.ts';
import { commandOf, type JobRequest, type JobStage, mebibytes, shellLine } from './request.ts';

/** A text in Python, in which Snakemake fills in what is in braces. */
const text = (words: string): string => JSON.stringify(words);

/**
 * A Snakefile. Its rules leave empty files as marks, never results: Snakemake removes what it takes for outdated.
 */
export function snakefile(request: JobRequest): string {
  const { args, stages, out, shards, cpus, minutes, folder } = request;
  const mark = ({ stage, isShared }: JobStage): string =>
    text(joinPath(out, RECORDS, 'marks', isShared ? `${stage}-{k}-of-${shards}` : stage));
  const rules = stages.map((each, i) => {
    const { stage } = each;
    const before = stages[i - 1];
    // The share is filled in by Snakemake; other braces are the user's.
    const line = shellLine(commandOf(request, each, 'SHARE'))
      .replaceAll('{', '{{')
      .replaceAll('}', '}}');
    const input = before && mark(before);
    return [
      `rule ${stage}:`,
      ...(input === undefined
        ? []
        : [`    input: ${before?.isShared === true ? `expand(${input}, k=range(1, ${shards + 1}))` : input}`]),
      `    output: touch(${mark(each)})`,
      `    threads: ${cpus}`,
      `    resources: mem_mb=${mebibytes(request)}${minutes === undefined ? '' : `, runtime=${minutes}`}`,
      `    shell: ${text(line.replace('SHARE', '{wildcards.k}'))}`,
    ].join('\n');
  });
  return `# Runs lamella ${args[0]} in ${shards} shards: snakemake --snakefile Snakefile --cores 8
workdir: ${text(folder)}

rule all:
    input: ${stages.slice(-1).map(mark).join()}

${rules.join('\n\n')}
`;
}
