import type { Piscina } from 'piscina';
import { compiledModule } from '../../workers/index.js';
import { engineThread } from '../engineThread.js';
import type { SaveRequest } from '../run/saveCheckpoint.js';
import { UserError } from '../userError.js';
import { CallClock } from './callClock.js';
import type {
  ActorFailure,
  ApplyReply,
  MicroReply,
  MicroRequest,
  ScoreReply,
  ScoreRequest,
  StartReply,
  StartRequest,
} from './trainActor.js';

/** Training cannot go on: exit code 4. */
export class TrainingError extends Error {
  override name = 'TrainingError';
}

/** Losses, gradients or scores are not finite any more; an earlier checkpoint and the remedy may help. */
export class DivergedError extends TrainingError {
  override name = 'DivergedError';
}

/** Calls the train actor in its worker thread. Calls are answered in the order in which they were made. */
export class TrainActorClient {
  /** Tells a step that takes long from one that never ends. */
  readonly calls = new CallClock();
  readonly #thread: Piscina;

  /** @param warn told what the user should know of the training step */
  constructor(private readonly warn: (note: string) => void = () => {}) {
    this.#thread = engineThread(compiledModule('./trainActor.js', import.meta.url));
  }

  async #call<T>(name: string, payload: unknown, transferList: ArrayBuffer[] = []): Promise<T> {
    let answer: T | ActorFailure;
    try {
      answer = await this.calls.time(name, () => this.#thread.run(payload, { name, transferList }));
    } catch (error) {
      throw new TrainingError(`the train actor failed at "${name}": ${(error as Error).message}`, { cause: error });
    }
    if (answer && typeof answer === 'object' && 'failed' in answer) {
      const { name, message, code } = answer.failed;
      if (name === 'OutOfMemoryError') throw new TrainingError(message);
      throw new UserError(message, { cause: Object.assign(new Error(message), { code }) });
    }
    return answer as T;
  }

  start(request: StartRequest): Promise<StartReply> {
    return this.#call('start', request);
  }

  /** The bytes of `clips` are moved: the caller cannot read them afterwards. */
  async micro(request: MicroRequest): Promise<MicroReply> {
    const reply = await this.#call<MicroReply>('micro', request, [request.clips.buffer as ArrayBuffer]);
    for (const note of reply.notes) this.warn(note);
    return reply;
  }

  apply(step: number): Promise<ApplyReply> {
    return this.#call('apply', { step });
  }

  score(request: ScoreRequest): Promise<ScoreReply> {
    return this.#call('score', request, [request.clips.buffer as ArrayBuffer]);
  }

  save(request: SaveRequest): Promise<{ saved: string[] }> {
    return this.#call('save', request);
  }

  async close(): Promise<void> {
    await this.#thread.destroy();
  }
}
