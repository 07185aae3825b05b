import { Command } from 'commander';
import { EXIT, parseCommand, runCommand } from '../exitCodes.js';
import { writeRunReport } from '../runReport/writeRunReport.js';
import { UserError } from '../userError.js';

const reportCommand = new Command('node pipeline/report.js')
  .description('Writes report.html from what a run has left in its folder, also where it was killed.')
  .argument('<run>', "the run's folder, with config.json and metrics.jsonl")
  .option('--out <file>', 'where to (default: report.html in that folder)')
  .addHelpText(
    'after',
    `
Example:
  node pipeline/report.js runs/a

Training writes the report when it ends. Call this after a kill, or after \`evaluate\`, whose figures
(evaluation-<split> in the run's folder) become a part of it.`,
  )
  .action((run: string, { out }: { out?: string }) => runCommand(() => report(run, out)));

async function report(run: string, out: string | undefined): Promise<number> {
  const { file, problems } = await writeRunReport(run, out).catch((error: NodeJS.ErrnoException) => {
    throw error.code ? new UserError(`cannot write the report: ${error.message}`) : error;
  });
  for (const problem of problems) process.stderr.write(`warning: ${problem}\n`);
  process.stdout.write(`${file}\n`);
  return EXIT.done;
}

await parseCommand(reportCommand);
