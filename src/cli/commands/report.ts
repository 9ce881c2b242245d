import { Command } from 'commander';

export interface ReportFlags {
  readonly out?: string;
}

export function reportCommand(): Command {
  return new Command('report')
    .summary('write the report of a run as one HTML file')
    .description(
      'Writes report.html of a run: curves, scores, pictures of truth, prediction and errors, configuration.',
    )
    .argument('<run>', 'a run folder')
    .option('-o, --out <file>', 'where to write (default: report.html in the run)')
    .addHelpText('after', '\nExample:\n  lamella report runs/a')
    .action(async (run: string, flags: ReportFlags) => {
      const { runReport } = await import('../run/report.ts');
      await runReport(run, flags);
    });
}
