import fc from 'fast-check';
import { lastValueFrom, of, Subject, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { checkpointSink } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('checkpointSink', () => {
  it('passes values on in time', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const input = hot('-a-b-c---');
      const save = async () => {};
      expectObservable(input.pipe(checkpointSink({ due: () => false, save })), '------!').toBe('-a-b-c');
      expectSubscriptions(input.subscriptions).toBe('^-----!');
    });
  });

  it('saves one at a time, skips to the latest, and completes when the last is saved', async () => {
    const input = new Subject<number>();
    const saves: { value: number; done: () => void }[] = [];
    const save = (value: number) => new Promise<void>((done) => saves.push({ value, done }));
    let completed = false;
    const passed: number[] = [];
    input.pipe(checkpointSink({ due: (n) => n % 2 === 0, save })).subscribe({
      next: (n) => passed.push(n),
      complete: () => {
        completed = true;
      },
    });
    for (const n of [1, 2, 3, 4, 5, 6, 7]) input.next(n);
    expect(passed).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(saves.map(({ value }) => value)).toEqual([2]);
    saves[0]?.done();
    await turn();
    expect(saves.map(({ value }) => value)).toEqual([2, 6]);
    input.complete();
    saves[1]?.done();
    await turn();
    expect([saves.map(({ value }) => value), completed]).toEqual([[2, 6, 7], false]);
    saves[2]?.done();
    await turn();
    expect(completed).toBe(true);
  });

  it('does not save the last state twice, or at all if not wanted', async () => {
    const saved: number[] = [];
    const save = async (n: number) => {
      saved.push(n);
    };
    const run = (options: { due: (n: number) => boolean; saveLast?: boolean }) =>
      lastValueFrom(of(1, 2, 3).pipe(checkpointSink({ save, ...options }), toArray()));
    await run({ due: (n) => n === 3 });
    expect(saved).toEqual([3]);
    await run({ due: () => false, saveLast: false });
    expect(saved).toEqual([3]);
  });

  it('errors when a save fails, and saves nothing after a cancel or an error', async () => {
    const failing = async () => {
      throw new Error('no space left');
    };
    await expect(lastValueFrom(of(1).pipe(checkpointSink({ due: () => true, save: failing })))).rejects.toThrow(
      'no space left',
    );
    const saved: number[] = [];
    const save = async (n: number) => {
      saved.push(n);
    };
    await lastValueFrom(of(1, 2, 3).pipe(checkpointSink({ due: (n) => n === 2, save }), take(1)));
    const input = new Subject<number>();
    const outcome = lastValueFrom(input.pipe(checkpointSink({ due: () => false, save })));
    input.next(1);
    input.error(new Error('upstream'));
    await expect(outcome).rejects.toThrow('upstream');
    expect(saved).toEqual([]);
  });

  it('never overlaps, keeps order and always ends with the last state', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
        async (scheduler, dues) => {
          const saved: number[] = [];
          let saving = 0;
          const input = new Subject<number>();
          const done = lastValueFrom(
            input.pipe(
              checkpointSink({
                due: (n) => dues[n]!,
                save: async (n) => {
                  saving += 1;
                  expect(saving).toBe(1);
                  await scheduler.schedule(Promise.resolve());
                  saved.push(n);
                  saving -= 1;
                },
              }),
            ),
          );
          const steps = scheduler.scheduleSequence(dues.map((_, n) => async () => input.next(n)));
          await scheduler.waitFor(steps.task);
          input.complete();
          await scheduler.waitFor(done);
          expect(saved).toEqual([...new Set(saved)].sort((a, b) => a - b));
          expect(saved.at(-1)).toBe(dues.length - 1);
          expect(saved.slice(0, -1).every((n) => dues[n])).toBe(true);
        },
      ),
    );
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
