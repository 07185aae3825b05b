import pc from 'picocolors';
import { duration, type Progress } from '../progress.js';
import { usdCounted } from '../usd.js';
import { visibleLength } from './liveBlock.js';

type Colours = ReturnType<typeof pc.createColors>;

const SEPARATOR = '  ';
const BAR = { done: '━', left: '─', most: 40, least: 8 } as const;
/** Shares of the time with data ready from which all is well, or nearly. */
const READY = { good: 0.95, poor: 0.8 } as const;
/** Shares of the budget from which it is drawn as nearly spent. */
const SPENT = { soon: 0.8, now: 0.95 } as const;

/** What a run is doing, as lines that fit a terminal of so many columns; what does not fit is left out from the right. */
export function progressBlock(p: Progress, columns: number, colours: Colours = pc.createColors(false)): string[] {
  const room = Math.max(1, columns - 1);
  const lines = [
    headLine(p, room, colours),
    fitted(learning(p, colours), room),
    fitted(machine(p, colours), room),
    fitted(money(p, colours), room),
  ];
  return lines.filter((line) => line !== '');
}

function headLine({ step, totalSteps, epoch, secondsLeft, stopping }: Progress, room: number, c: Colours): string {
  const share = Math.min(1, step / totalSteps);
  const left = stopping ? c.yellow('stopping') : `${duration(secondsLeft)} left`;
  const parts = [c.bold(`step ${step}/${totalSteps}`), `${Math.floor(100 * share)} %`, left, `epoch ${epoch}`];
  const text = fitted(parts, room);
  const width = Math.min(BAR.most, room - visibleLength(text) - SEPARATOR.length);
  if (width < BAR.least) return text;
  const done = Math.round(width * share);
  return `${c.cyan(BAR.done.repeat(done))}${c.dim(BAR.left.repeat(width - done))}${SEPARATOR}${text}`;
}

const learning = ({ loss, lr, gradNorm, auc, bestAuc }: Progress, c: Colours): string[] => [
  `loss ${c.bold(loss.toFixed(4))}`,
  ...(auc === undefined ? [] : [`AUC ${auc.toFixed(3)}`]),
  ...(bestAuc === undefined ? [] : [`best ${bestAuc.toFixed(3)}`]),
  `lr ${lr.toExponential(1)}`,
  ...(gradNorm === undefined ? [] : [`grad ${gradNorm.toPrecision(3)}`]),
];

function machine(
  { clipsPerSecond, readiness, utilisation, workers, rssMb, quarantined }: Progress,
  c: Colours,
): string[] {
  const paint = readiness >= READY.good ? c.green : readiness >= READY.poor ? c.yellow : c.red;
  return [
    `${clipsPerSecond.toFixed(1)} clips/s`,
    paint(`ready ${(100 * readiness).toFixed(0)} %`),
    ...(workers ? [`workers ${workers.busy}/${workers.threads} busy`] : []),
    ...(workers ? [`${workers.ahead} ahead`] : []),
    ...(utilisation === undefined ? [] : [`MFU ${(100 * utilisation).toFixed(0)} %`]),
    ...(rssMb === undefined ? [] : [`${(rssMb / 1024).toFixed(1)} GB`]),
    ...(quarantined ? [c.yellow(`${quarantined} in quarantine`)] : []),
  ];
}

function money({ spentUsd, maxBudget }: Progress, c: Colours): string[] {
  const limited = Number.isFinite(maxBudget) && maxBudget > 0;
  if (!limited) return spentUsd > 0 ? [`${usdCounted(spentUsd)} spent`] : [];
  const share = spentUsd / maxBudget;
  const paint = share >= SPENT.now ? c.red : share >= SPENT.soon ? c.yellow : (text: string) => text;
  return [paint(usdCounted(spentUsd, maxBudget)), `${(100 * share).toFixed(1)} % of the budget`];
}

/** As many parts as there is room for, in order; the first is cut where even that is too long. */
function fitted([first, ...others]: readonly string[], room: number): string {
  if (first === undefined) return '';
  if (visibleLength(first) > room) return stripped(first).slice(0, room);
  let line = first;
  for (const part of others) {
    const longer = `${line}${SEPARATOR}${part}`;
    if (visibleLength(longer) > room) break;
    line = longer;
  }
  return line;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const stripped = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, '');
