import pc from 'picocolors';
import { LiveBlock } from './terminal/liveBlock.js';
import { progressBlock } from './terminal/progressBlock.js';
import { usdCounted } from './usd.js';

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
  /** Share of the engine's peak of floating-point operations. */
  utilisation?: number;
  spentUsd: number;
  maxBudget: number;
  secondsLeft: number;
  gradNorm?: number;
  /** Of the last validation, and of the best one. */
  auc?: number;
  bestAuc?: number;
  /** Threads at work, threads there are, and pairs that are made and not yet trained on. */
  workers?: { busy: number; threads: number; ahead: number };
  quarantined?: number;
  rssMb?: number;
  /** A signal came: the run ends after this step. */
  stopping?: boolean;
};

const pad = (value: number) => String(value).padStart(2, '0');

/** `1h02m`, `3m05s`, `12s`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.max(0, Math.round(seconds));
  if (s >= 3600) return `${Math.floor(s / 3600)}h${pad(Math.floor((s % 3600) / 60))}m`;
  return s >= 60 ? `${Math.floor(s / 60)}m${pad(s % 60)}s` : `${s}s`;
}

/** One line, e.g. `step 120/300 epoch 3 | loss 0.6931 | lr 4.9e-4 | 35.2 clips/s | ready 99 % | $0.021 of $5.00 | 3m12s left`. */
export function progressLine(p: Progress): string {
  return [
    `step ${p.step}/${p.totalSteps} epoch ${p.epoch}`,
    `loss ${p.loss.toFixed(4)}`,
    `lr ${p.lr.toExponential(1)}`,
    `${p.clipsPerSecond.toFixed(1)} clips/s`,
    `ready ${(100 * p.readiness).toFixed(0)} %`,
    ...(p.utilisation === undefined ? [] : [`MFU ${(100 * p.utilisation).toFixed(0)} %`]),
    usdCounted(p.spentUsd, p.maxBudget),
    `${duration(p.secondsLeft)} left`,
  ].join(' | ');
}

export type LogFormat = 'pretty' | 'json';

/** How often a terminal shows the time go by while no step ends. */
const TICK_MS = 1_000;

/**
 * Speaks to the person at the console: plain lines, or one JSON object a line. On a terminal the progress is a few lines
 * at the bottom, rewritten in place; elsewhere it is a line printed at most every `everyMs`.
 */
export class Console {
  #lastProgress = Number.NEGATIVE_INFINITY;
  readonly #block: LiveBlock | undefined;
  readonly #colours: ReturnType<typeof pc.createColors>;
  #lines: (() => string[]) | undefined;
  #tick: NodeJS.Timeout | undefined;
  readonly #redraw = (): void => {
    if (this.#lines) this.#block?.draw(this.#lines());
  };

  constructor(
    private readonly format: LogFormat,
    private readonly out: NodeJS.WriteStream = process.stderr,
    private readonly everyMs = out.isTTY ? 200 : 5_000,
  ) {
    // A dumb terminal cannot move its cursor.
    if (format === 'pretty' && out.isTTY && process.env.TERM !== 'dumb') this.#block = new LiveBlock(out);
    // Node's own judgement: NO_COLOR, FORCE_COLOR and TERM are heeded.
    this.#colours = pc.createColors(this.#block !== undefined && out.hasColors?.() === true);
  }

  info(message: string, fields: object = {}): void {
    this.#line('info', message, fields, (text) => text);
  }

  warn(message: string, fields: object = {}): void {
    this.#line('warn', message, fields, (text) => this.#colours.yellow(`warning: ${text}`));
  }

  /** @param state a function is asked again as time goes by, on a terminal */
  progress(state: Progress | (() => Progress), final = false): void {
    const now = typeof state === 'function' ? state : () => state;
    this.#show(
      {
        block: (columns) => progressBlock(now(), columns, this.#colours),
        line: () => progressLine(now()),
        fields: now,
      },
      final,
    );
  }

  /** As `progress`, for other work than training: `text` is the line, `fields` what the JSON log says. */
  status(text: string, fields: object = {}, final = false): void {
    this.#show({ block: (columns) => [text.slice(0, columns - 1)], line: () => text, fields: () => fields }, final);
  }

  /** Leaves the progress as it stands: what it was about is over. */
  settle(): void {
    if (!this.#lines) return;
    this.#redraw();
    this.#lines = undefined;
    this.#block?.leave();
    clearInterval(this.#tick);
    this.#tick = undefined;
    this.out.off('resize', this.#redraw);
  }

  #show(
    what: { block: (columns: number) => string[]; line: () => string; fields: () => object },
    final: boolean,
  ): void {
    const now = performance.now();
    const block = this.#block;
    if (block) this.#lines = () => what.block(block.columns);
    if (!final && now - this.#lastProgress < this.everyMs) return;
    this.#lastProgress = now;
    if (this.format === 'json') this.#line('progress', '', what.fields(), () => '');
    else if (!block) this.out.write(`${what.line()}\n`);
    if (!block) return;
    this.#redraw();
    if (!this.#tick) {
      this.#tick = setInterval(this.#redraw, TICK_MS).unref();
      this.out.on('resize', this.#redraw);
    }
    if (final) this.settle();
  }

  #line(level: string, message: string, fields: object, paint: (text: string) => string): void {
    const text = `${this.format === 'json' ? JSON.stringify({ level, ...(message ? { message } : {}), ...fields }) : paint(message)}\n`;
    if (this.#block) this.#block.above(text);
    else this.out.write(text);
  }
}
