import { describe, expect, it } from 'vitest';
import type { MicroBatch } from '../../../pipeline/training/microBatch.js';
import type { MicroRequest } from '../../../pipeline/training/trainActor.js';
import type { TrainActorClient } from '../../../pipeline/training/trainActorClient.js';
import { TrainStep } from '../../../pipeline/training/trainStep.js';

const SEED = 42;

function microBatch(step: number, micro: number): MicroBatch {
  const clips = Uint8Array.of(step, micro);
  const rest = { epoch: 0, shape: [2, 1, 1, 1, 1] as const, ids: ['a'], keys: [], failed: 0, sha256: '' };
  return { step, micro, clips, labels: Int32Array.of(0, 1), ...rest };
}

/** Takes requests as the client does, bytes moved, and says each time what `staging` says. */
class PretendedActor {
  readonly requests: { own?: number[]; next?: [string, number[]] }[] = [];
  constructor(private readonly staging: (call: number) => boolean) {}
  async micro(request: MicroRequest) {
    const moved = [request.clips, request.next?.clips].flatMap((clips) => (clips ? [clips.buffer as ArrayBuffer] : []));
    const { clips, next } = structuredClone(request, { transfer: moved });
    this.requests.push({
      ...(clips ? { own: [...clips] } : {}),
      ...(next ? { next: [next.key, [...next.clips]] } : {}),
    });
    const result = { total: 1, ce: 1, pair: 0, frame: 0, hll: 0, gap: 0, hllReal: 0, hllFake: 0, hllDefined: 0 };
    return { result, parts: 1, staging: this.staging(this.requests.length), ms: 1, notes: [] };
  }
  async apply() {
    return { gradNorm: 1, lr: 1e-3, skipped: false, ms: 1, notes: [] };
  }
}

/** Feeds two steps of two micro-batches; `there` says whether the next is there when one is taken. */
async function feed(staging: (call: number) => boolean, there: (i: number) => boolean) {
  const actor = new PretendedActor(staging);
  const seen: string[] = [];
  const signal = new AbortController().signal;
  const steps = new TrainStep(actor as unknown as TrainActorClient, 2, SEED, signal, ({ step, micro, clips }) =>
    seen.push(`${step}/${micro} ${clips}`),
  );
  const micros = [microBatch(1, 0), microBatch(1, 1), microBatch(2, 0), microBatch(2, 1)];
  const done: (number | undefined)[] = [];
  for (const [i, micro] of micros.entries())
    done.push((await steps.take(micro, () => (there(i) ? micros[i + 1] : undefined)))?.step);
  expect(done).toEqual([undefined, 1, undefined, 2]);
  // Each is shown once, in order, while its bytes are still there.
  expect(seen).toEqual(['1/0 1,0', '1/1 1,1', '2/0 2,0', '2/1 2,1']);
  return actor.requests;
}

describe('TrainStep', () => {
  it('gives the next micro-batch along, across steps too, and moves no bytes twice', async () => {
    expect(
      await feed(
        () => true,
        () => true,
      ),
    ).toEqual([
      { own: [1, 0] }, // what the actor can is known from its first answer
      { own: [1, 1], next: ['2/0', [2, 0]] },
      { next: ['2/1', [2, 1]] },
      {},
    ]);
  });

  it('gives none along that is not there', async () => {
    expect(
      await feed(
        () => true,
        (i) => i === 2,
      ),
    ).toEqual([{ own: [1, 0] }, { own: [1, 1] }, { own: [2, 0], next: ['2/1', [2, 1]] }, {}]);
  });

  it('gives none along once the actor stages no more', async () => {
    const requests = await feed(
      (call) => call === 1,
      () => true,
    );
    expect(requests).toEqual([{ own: [1, 0] }, { own: [1, 1], next: ['2/0', [2, 0]] }, {}, { own: [2, 1] }]);
  });

  it('gives none along where nothing is staged', async () => {
    const requests = await feed(
      () => false,
      () => true,
    );
    expect(requests).toEqual([{ own: [1, 0] }, { own: [1, 1] }, { own: [2, 0] }, { own: [2, 1] }]);
  });
});
