import { type HtmlValue, html } from '../report/html.js';
import { numberAt, textAt } from './rowValues.js';
import type { RunRecord } from './runRecord.js';

/** Share of the time in which data has to be ready; below it the accelerator is paid for waiting. */
const READY = 0.95;
/** An AUC so near 0.5 is chance, for all that a few hundred pairs can tell. */
const CHANCE = 0.05;
/** Validations after which chance is worth a word. */
const PATIENCE = 5;
/** Growth of memory from the second quarter of the steps to the last that is worth a word. */
const GROWTH = 1.2;
/** Steps below which nothing is said about memory: caches and pools are still filling. */
const STEADY_STEPS = 200;

/** What a reader should notice before the curves, each with its figure and, where there is one, the remedy. */
export function runFindings(record: RunRecord): HtmlValue[] {
  return [...learning(record), ...feeding(record), ...health(record)];
}

function learning({ validations, steps }: RunRecord): HtmlValue[] {
  const found: HtmlValue[] = [];
  const aucs = validations.map((row) => numberAt(row, 'auc')).filter(Number.isFinite);
  const [best, last] = [Math.max(...aucs), aucs.at(-1)];
  if (last !== undefined) {
    const pairs = numberAt(validations.at(-1), 'pairs');
    const error = rankingError(last, pairs);
    if (Number.isFinite(error))
      found.push(
        html`Validation AUC <b>${last.toFixed(3)}</b> on ${pairs} self-blended pairs of people that training does not see; its standard error is at least ${error.toFixed(3)} (Hanley and McNeil, 1982; more, as pairs of one person are alike). It says nothing about fakes of other kinds: that takes <code>evaluate</code>.`,
      );
    if (aucs.length >= PATIENCE && aucs.slice(-PATIENCE).every((auc) => Math.abs(auc - 0.5) < CHANCE))
      found.push(
        html`The last ${PATIENCE} validations are within ${CHANCE} of <b>chance</b>. A trunk with pretrained weights, more people to train on or more steps may help; <code>--set sbi.difficulty=obvious</code> tells whether the chain learns at all.`,
      );
    else if (best - last > CHANCE)
      found.push(
        html`The last validation lies ${(best - last).toFixed(3)} below the best one (${best.toFixed(3)}). Evaluate the checkpoint <code>best</code>, not <code>last</code>.`,
      );
  }
  const skipped = steps.filter((row) => row.skipped === true).length;
  if (skipped > 0)
    found.push(
      html`In <b>${skipped} of ${steps.length} steps</b> the loss or the gradient was not finite and the weights stayed as they were. If it goes on: <code>--set training.lr=1e-4 --set training.warmup_epochs=10</code>.`,
    );
  return found;
}

function feeding({ summary, steps }: RunRecord): HtmlValue[] {
  const readiness = numberAt(steps.at(-1), 'readiness');
  if (!(readiness < READY)) return [];
  const threads = numberAt(summary, 'workers', 'threads');
  return [
    html`Data was ready <b>${(100 * readiness).toFixed(0)} %</b> of the time${Number.isFinite(threads) && ` with ${threads} workers`}; below ${100 * READY} % the trainer waits for augmentation. Give it more <code>--workers</code>, or a machine with more processor cores.`,
  ];
}

function health({ summary, steps, quarantine, config }: RunRecord): HtmlValue[] {
  const found: HtmlValue[] = [];
  const samples = numberAt(summary, 'samples');
  if (quarantine.length > 0)
    found.push(
      html`<b>${quarantine.length} ${quarantine.length === 1 ? 'clip' : 'clips'}</b> could not be used${Number.isFinite(samples) && `, ${numberAt(summary, 'failed_samples')} of ${samples} samples had to be replaced`}; reasons are <a href="#quarantine">below</a>.`,
    );
  const died = numberAt(summary, 'workers', 'died');
  if (died > 0) found.push(html`<b>${died} workers</b> died or were ended at a clip and were replaced.`);
  const memory = steps.map((row) => numberAt(row, 'rss_mb')).filter(Number.isFinite);
  const quarter = (k: number) => mean(memory.slice((k * memory.length) / 4, ((k + 1) * memory.length) / 4));
  if (memory.length >= STEADY_STEPS && quarter(3) > GROWTH * quarter(1))
    found.push(
      html`Memory grew from ${quarter(1).toFixed(0)} MB in the second quarter of the steps to <b>${quarter(3).toFixed(0)} MB</b> in the last.`,
    );
  if (textAt(config, 'codec', 'h264', 'name') === 'jpeg')
    found.push(
      html`Neither node-av nor ffmpeg worked here: clips were compressed as <b>JPEG in place of H.264</b>, which detectors of real videos need.`,
    );
  return found;
}

/**
 * Standard error of an area under the ROC curve of `n` reals and `n` fakes (Hanley and McNeil, Radiology 143, 1982,
 * equation 2, with their approximation for exponential scores).
 */
export function rankingError(auc: number, n: number): number {
  const above = auc / (2 - auc);
  const below = (2 * auc ** 2) / (1 + auc);
  return Math.sqrt(Math.max(0, auc * (1 - auc) + (n - 1) * (above - auc ** 2 + below - auc ** 2)) / n ** 2);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
