import { join } from 'node:path';
import { type HtmlValue, html } from '../report/html.js';
import { shellWord } from '../shellWord.js';
import { usdGiven } from '../usd.js';
import { numberAt, textAt, valueAt } from './rowValues.js';
import type { RunEnding } from './runEnding.js';
import type { RunRecord } from './runRecord.js';
import { phaseBCommand, resumeCommand } from './trainCommand.js';

const command = (text: string): HtmlValue => html`<pre>${text}</pre>`;

/** What to do after a run that ended so, with the commands. */
export function nextSteps(record: RunRecord, { reason }: RunEnding): HtmlValue {
  const { folder, config, steps } = record;
  if (reason === 'running') return null;
  const begun = valueAt(config, 'command');
  const options = Array.isArray(begun) ? begun.map(String) : undefined;
  const goOn = command(resumeCommand(options, folder));
  switch (reason) {
    case 'finished':
    case 'max_steps':
      return [html`<p>Score it on videos it has not seen:</p>`, evaluation(record), phaseB(record, options)];
    case 'budget':
      return [
        html`<p>To go on, with exactly the batches that are left, allow more than the ${usdGiven(numberAt(config, 'config', 'training', 'max_budget'))} it had:</p>`,
        command(resumeCommand(options, folder, [['--budget', '<more>']])),
        html`<p>Or take what it has learnt:</p>`,
        evaluation(record),
      ];
    case 'failure_budget':
      return [
        html`<p>Read the reasons under <a href="#quarantine">quarantine</a> and mend the files or take them out of the split; landmarks must be in pixels of the crop. Then go on:</p>`,
        goOn,
      ];
    case 'error':
      return [html`<p>When the cause is mended, go on from the last checkpoint:</p>`, goOn];
    case 'signal':
      return [html`<p>Go on, with exactly the batches that are left:</p>`, goOn];
    default:
      return steps.length === 0
        ? [html`<p>No step was finished. Begin it again:</p>`, goOn]
        : [html`<p>If it is not running any more, go on from the last checkpoint; nothing is trained twice:</p>`, goOn];
  }
}

function evaluation({ folder, config, validations }: RunRecord): HtmlValue {
  const phase = textAt(config, 'phase');
  const best = phase === 'a' || phase === 'b' ? `phase_${phase}_best` : 'best';
  const name = validations.length > 0 ? best : 'last';
  return command(
    `node pipeline/evaluate.js --checkpoint ${shellWord(join(folder, 'checkpoints', `${name}.safetensors`))} --data-root <videos with labels> --full-report`,
  );
}

function phaseB({ folder, config, validations }: RunRecord, options: readonly string[] | undefined): HtmlValue {
  if (textAt(config, 'phase') !== 'a' || validations.length === 0) return null;
  const checkpoint = join(folder, 'checkpoints', 'phase_a_best.safetensors');
  return [html`<p>Or begin Phase B with its weights:</p>`, command(phaseBCommand(options, checkpoint))];
}
