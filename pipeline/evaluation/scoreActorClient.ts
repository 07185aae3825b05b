import type { Piscina } from 'piscina';
import type { Score } from '../../model/index.js';
import { compiledModule } from '../../workers/index.js';
import { engineThread } from '../engineThread.js';
import { UserError } from '../userError.js';
import type { LoadReply, LoadRequest, ScoreClipsRequest, ScoreFailure } from './scoreActor.js';

/** The network cannot score: its thread died or ran out of memory, or its scores are not finite. Exit code 4. */
export class ScoringError extends Error {
  override name = 'ScoringError';
}

/** Calls the score actor in its worker thread. */
export class ScoreActorClient {
  readonly #thread: Piscina;

  constructor() {
    this.#thread = engineThread(compiledModule('./scoreActor.js', import.meta.url));
  }

  async #call<T>(name: string, payload: unknown, transferList: ArrayBuffer[] = []): Promise<T> {
    try {
      return await this.#thread.run(payload, { name, transferList });
    } catch (error) {
      throw new ScoringError(
        `the scoring thread failed at "${name}": ${(error as Error).message}; if memory ran out, try --batch 1`,
        { cause: error },
      );
    }
  }

  /** @throws UserError when the checkpoint, its configuration or the engine cannot be used */
  async load(request: LoadRequest): Promise<LoadReply> {
    const answer = await this.#call<LoadReply | ScoreFailure>('load', request);
    if ('failed' in answer) throw new UserError(answer.failed.message);
    return answer;
  }

  /** The bytes of `clips` are moved: the caller cannot read them afterwards. */
  async score(request: ScoreClipsRequest): Promise<Score[]> {
    const scores = await this.#call<Score[]>('score', request, [request.clips.buffer as ArrayBuffer]);
    const bad = scores.find((score) => !Object.values(score).every(Number.isFinite));
    if (bad)
      throw new ScoringError(
        `the checkpoint gives scores that are not finite (${JSON.stringify(bad)}): its training has failed; take an earlier one`,
      );
    return scores;
  }

  async close(): Promise<void> {
    await this.#thread.destroy();
  }
}
