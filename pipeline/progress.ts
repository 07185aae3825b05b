import pc from 'picocolors';

/** What the progress line shows. Times in seconds, money in US dollars. */
export type Progress = {
  step: number;
  totalSteps: number;
  epoch: number;
  loss: number;
  lr: number;
  clipsPerSecond: number;
  /** Share of the time in which a batch was ready when the trainer asked for one, 0..1. */
  readiness: number;
  spentUsd: number;
  maxBudget: number;
  secondsLeft: number;
};

const pad = (value: number) => String(value).padStart(2, '0');

/** `1h02m`, `3m05s`, `12s`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.max(0, Math.round(seconds));
  if (s >= 3600) return `${Math.floor(s / 3600)}h${pad(Math.floor((s % 3600) / 60))}m`;
  return s >= 60 ? `${Math.floor(s / 60)}m${pad(s % 60)}s` : `${s}s`;
}

/** One line, e.g. `step 120/300 epoch 3 | loss 0.6931 | lr 4.9e-4 | 35.2 clips/s | ready 99 % | $0.02 of $5 | 3m12s left`. */
export function progressLine(p: Progress): string {
  const budget = Number.isFinite(p.maxBudget) && p.maxBudget > 0 ? ` of $${p.maxBudget}` : '';
  return [
    `step ${p.step}/${p.totalSteps} epoch ${p.epoch}`,
    `loss ${p.loss.toFixed(4)}`,
    `lr ${p.lr.toExponential(1)}`,
    `${p.clipsPerSecond.toFixed(1)} clips/s`,
    `ready ${(100 * p.readiness).toFixed(0)} %`,
    `$${p.spentUsd.toFixed(3)}${budget}`,
    `${duration(p.secondsLeft)} left`,
  ].join(' | ');
}

export type LogFormat = 'pretty' | 'json';

/**
 * Speaks to the person at the console: plain lines, or one JSON object a line. On a terminal the progress line is
 * rewritten in place; elsewhere it is printed at most every `everyMs`.
 */
export class Console {
  #lastProgress = Number.NEGATIVE_INFINITY;
  #liveLine = false;

  constructor(
    private readonly format: LogFormat,
    private readonly out: NodeJS.WriteStream = process.stderr,
    private readonly everyMs = out.isTTY ? 200 : 5_000,
  ) {}

  info(message: string, fields: object = {}): void {
    this.#line('info', message, fields, (text) => text);
  }

  warn(message: string, fields: object = {}): void {
    this.#line('warn', message, fields, (text) => pc.yellow(`warning: ${text}`));
  }

  progress(state: Progress, final = false): void {
    this.#rewrite(() => progressLine(state), state, final);
  }

  /** As `progress`, for other work than training: `text` is the line, `fields` what the JSON log says. */
  status(text: string, fields: object = {}, final = false): void {
    this.#rewrite(() => text, fields, final);
  }

  #rewrite(text: () => string, fields: object, final: boolean): void {
    const now = performance.now();
    if (!final && now - this.#lastProgress < this.everyMs) return;
    this.#lastProgress = now;
    if (this.format === 'json') {
      this.#line('progress', '', fields, () => '');
      return;
    }
    const live = this.out.isTTY;
    this.out.write(live ? `\r\u001b[K${text().slice(0, (this.out.columns || 120) - 1)}` : `${text()}\n`);
    this.#liveLine = live;
  }

  #line(level: string, message: string, fields: object, paint: (text: string) => string): void {
    if (this.#liveLine) this.out.write('\n');
    this.#liveLine = false;
    this.out.write(
      `${this.format === 'json' ? JSON.stringify({ level, ...(message ? { message } : {}), ...fields }) : paint(message)}\n`,
    );
  }
}
