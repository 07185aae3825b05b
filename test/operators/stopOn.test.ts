import { lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Credits, consume, orderedMap, pull, stopOn } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('stopOn', () => {
  it('completes at the abort and tells the reason', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const controller = new AbortController();
      const reasons: unknown[] = [];
      cold('----x').subscribe(() => controller.abort('SIGINT'));
      const input = hot('-a-b-c-|');
      expectObservable(input.pipe(stopOn(controller.signal, (reason) => reasons.push(reason)))).toBe('-a-b|');
      expectSubscriptions(input.subscriptions).toBe('^---!');
      flush();
      expect(reasons).toEqual(['SIGINT']);
    });
  });

  it('never starts after an abort', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const input = hot('-a');
      expectObservable(input.pipe(stopOn(AbortSignal.abort()))).toBe('|');
      expectSubscriptions(input.subscriptions).toBe([]);
    });
  });

  it.each([
    ['drains when upstream of the work', true, [0, 1, 2], false],
    ['drops when downstream of it', false, [0], true],
  ])('%s', async (_name, upstream, results, aborted) => {
    const controller = new AbortController();
    const tasks = [new Subject<number>(), new Subject<number>(), new Subject<number>()];
    const signals: AbortSignal[] = [];
    const work = orderedMap(
      (index: number, _position, signal) => {
        signals.push(signal);
        return tasks[index]!;
      },
      { concurrency: 3 },
    );
    let returned = false;
    function* source() {
      try {
        for (let i = 0; ; i += 1) yield i;
      } finally {
        returned = true;
      }
    }
    const input = pull(source(), new Credits(3));
    const stop = stopOn<number>(controller.signal);
    const outcome = lastValueFrom((upstream ? input.pipe(stop, work) : input.pipe(work, stop)).pipe(toArray()));
    tasks[0]?.next(0);
    controller.abort();
    expect(returned).toBe(true);
    tasks[2]?.next(2);
    tasks[1]?.next(1);
    expect(await outcome).toEqual(results);
    expect(signals[1]?.aborted).toBe(aborted);
  });

  it('takes its listener off the signal', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = controller.signal;
    controller.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1;
      return addEventListener.apply(controller.signal, args);
    };
    controller.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1;
      return removeEventListener.apply(controller.signal, args);
    };
    const credits = new Credits(2);
    await lastValueFrom(
      pull([1, 2, 3], credits).pipe(
        stopOn(controller.signal),
        consume((n: number) => [n], { credits }),
      ),
    );
    expect(listeners).toBe(0);
  });
});
