import type { Piscina } from 'piscina';
import { compiledModule } from '../../workers/index.js';
import { engineThread } from '../engineThread.js';
import type { SaveRequest } from '../run/saveCheckpoint.js';
import { UserError } from '../userError.js';
import { CallClock } from './callClock.js';
import type {
  ActorFailure,
  ApplyReply,
  Computation,
  MicroReply,
  MicroRequest,
  News,
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

  /**
   * @param warn told what the user should know of the training step
   * @param changed told how training steps are computed from now on, once it is otherwise than `start` said
   */
  constructor(
    private readonly warn: (note: string) => void = () => {},
    private readonly changed: (computation: Computation) => Promise<void> = async () => {},
  ) {
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

  /** The bytes of `clips` and of those in `next` are moved: the caller cannot read them afterwards. */
  micro(request: MicroRequest): Promise<MicroReply> {
    const moved = [request.clips, request.next?.clips].flatMap((clips) => (clips ? [clips.buffer as ArrayBuffer] : []));
    return this.#told(this.#call<MicroReply>('micro', request, moved));
  }

  apply(step: number): Promise<ApplyReply> {
    return this.#told(this.#call<ApplyReply>('apply', { step }));
  }

  score(request: ScoreRequest): Promise<ScoreReply> {
    return this.#told(this.#call<ScoreReply>('score', request, [request.clips.buffer as ArrayBuffer]));
  }

  save(request: SaveRequest): Promise<{ saved: string[] }> {
    return this.#call('save', request);
  }

  async #told<Reply extends News>(answer: Promise<Reply>): Promise<Reply> {
    const reply = await answer;
    for (const note of reply.notes) this.warn(note);
    if (reply.computation) await this.changed(reply.computation);
    return reply;
  }

  async close(): Promise<void> {
    await this.#thread.destroy();
  }
}
