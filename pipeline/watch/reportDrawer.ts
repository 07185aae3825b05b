import { Piscina } from 'piscina';
import { compiledModule } from '../../workers/index.js';

/** A thread that nobody has asked for so long ends; the next reader starts another. */
const IDLE_MS = 60_000;

/** Draws the report of a run that goes on, in a thread that exists only while somebody reads. */
export class ReportDrawer {
  readonly #thread = new Piscina({
    filename: compiledModule('./drawRunReport.js', import.meta.url),
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
  });

  /**
   * @param summary what summary.json would say now
   * @throws Error where the folder holds no run yet
   */
  draw(folder: string, summary: object): Promise<string> {
    return this.#thread.run({ folder, summary });
  }

  async close(): Promise<void> {
    await this.#thread.destroy();
  }
}
