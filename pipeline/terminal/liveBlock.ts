/** As `process.stderr`, when it is a terminal. */
export type TerminalStream = {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
};

const ESCAPE = '\u001b[';
/** Select-graphic-rendition sequences, the only ones that lines may hold. */
const COLOUR = new RegExp(`${ESCAPE.replace('[', '\\[')}[0-9;]*m`, 'g');

export const visibleLength = (line: string): number => [...line.replace(COLOUR, '')].length;

/**
 * Some lines at the bottom of a terminal that are rewritten in place; other text goes above them. The cursor rests on
 * the line below, so that whatever else writes to the terminal (a library, the shell after a kill) begins on a line of
 * its own.
 */
export class LiveBlock {
  #shown: readonly string[] = [];

  constructor(private readonly out: TerminalStream) {}

  get columns(): number {
    return this.out.columns || 80;
  }

  /** Replaces the block. A line must be shorter than the terminal is wide; lines beyond its height are left out. */
  draw(lines: readonly string[]): void {
    const room = Math.max(1, (this.out.rows || 24) - 1);
    const shown = lines.slice(0, room);
    this.out.write(`${this.#erasing()}${shown.join('\n')}\n`);
    this.#shown = shown;
  }

  /** Writes text above the block. It must end its last line. */
  above(text: string): void {
    const below = this.#shown.length > 0 ? `${this.#shown.join('\n')}\n` : '';
    this.out.write(`${this.#erasing()}${text}${below}`);
  }

  /** Leaves the block where it stands: from now on it is text like any other. */
  leave(): void {
    this.#shown = [];
  }

  /** Back to the block's first line, and everything below it gone. */
  #erasing(): string {
    if (this.#shown.length === 0) return '';
    // A terminal that has become narrower has broken the lines that no longer fit.
    const rows = this.#shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(visibleLength(line) / this.columns)), 0);
    return `${ESCAPE}${rows}A\r${ESCAPE}J`;
  }
}
