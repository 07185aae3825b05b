import { duration } from './progress.js';

/** `checked 1,200 of 10,000 | 52.1/s | 2m49s left`, rewritten in place on a terminal, elsewhere every few seconds. */
export class CountProgress {
  readonly #begun = performance.now();
  #last = this.#begun;
  #done = 0;

  constructor(
    private readonly verb: string,
    private readonly total: number,
    private readonly out: NodeJS.WriteStream = process.stderr,
    private readonly everyMs = out.isTTY ? 200 : 5_000,
  ) {}

  get seconds(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  advance(): void {
    this.#done++;
    const now = performance.now();
    if (now - this.#last < this.everyMs) return;
    this.#last = now;
    const rate = this.#done / this.seconds;
    const number = (value: number) => value.toLocaleString('en');
    const text = `${this.verb} ${number(this.#done)} of ${number(this.total)} | ${rate.toFixed(1)}/s | ${duration((this.total - this.#done) / rate)} left`;
    this.out.write(this.out.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
  }

  /** Takes the line away, for what is printed next. */
  end(): void {
    if (this.out.isTTY) this.out.write('\r\u001b[K');
  }
}
