import { EventEmitter } from 'node:events';
import xterm from '@xterm/headless';

/** A terminal that can be looked at: what is written to it, its screen shows as xterm would. */
export class Screen extends EventEmitter {
  readonly isTTY = true;
  readonly #terminal: InstanceType<typeof xterm.Terminal>;
  #writes = '';

  constructor(
    columns: number,
    rows: number,
    readonly colours = false,
  ) {
    super();
    this.#terminal = new xterm.Terminal({
      cols: columns,
      rows,
      scrollback: 1000,
      allowProposedApi: true,
      convertEol: true,
    });
  }

  get columns(): number {
    return this.#terminal.cols;
  }
  get rows(): number {
    return this.#terminal.rows;
  }
  hasColors(): boolean {
    return this.colours;
  }

  /** All that was written, control sequences and all. */
  get written(): string {
    return this.#writes;
  }

  write(text: string | Uint8Array): boolean {
    this.#writes += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
    this.#terminal.write(text);
    return true;
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#drained();
    this.#terminal.resize(columns, rows);
    this.emit('resize');
  }

  /** Lines from the top of the scrollback, without the empty ones at the end. Lines that were broken are joined. */
  async lines(): Promise<string[]> {
    await this.#drained();
    const buffer = this.#terminal.buffer.active;
    const lines: string[] = [];
    for (let row = 0; row < buffer.length; row++) {
      const line = buffer.getLine(row)!;
      const text = line.translateToString(true);
      if (line.isWrapped) lines[lines.length - 1] += text;
      else lines.push(text);
    }
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => this.#terminal.write('', resolve));
  }

  /** As a stream that a Console can be given. */
  get stream(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream;
  }
}
