import { from, map, Subject, take, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batch, Credits, consume, pull, ThroughputMeter } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('consume', () => {
  it('hands over in order, two at a time, and lets the next item in when one is consumed', () => {
    marbles(({ cold, expectObservable, flush, now }) => {
      const credits = new Credits(3);
      const handed: string[] = [];
      const flow = pull('abcde', credits).pipe(
        consume(
          (item: string) => {
            handed.push(`${item}${now()}`);
            return cold('----x|', { x: item.toUpperCase() });
          },
          { inFlight: 2, credits },
        ),
      );
      // a and b start at 0 and c is queued; at 4 c starts, and d with a's credit; e with b's at 8.
      expectObservable(flow).toBe('----(AB)(CD)(E|)');
      flush();
      expect(handed).toEqual(['a0', 'b0', 'c4', 'd4', 'e8']);
    });
  });

  it('gives a batch its whole cost back, after the result was emitted', () => {
    const credits = new Credits(4);
    const outstanding: number[] = [];
    pull([1, 2, 3, 4, 5, 6], credits)
      .pipe(
        batch(3),
        consume((items: number[]) => [items], { credits, cost: (items) => items.length }),
      )
      .subscribe(() => outstanding.push(credits.outstanding));
    expect(outstanding).toEqual([3, 3]);
    expect(credits.outstanding).toBe(0);
  });

  it('lets nothing more in after the reader stopped', () => {
    const credits = new Credits(1);
    const pulled: number[] = [];
    function* numbers() {
      for (let i = 0; ; i += 1) {
        pulled.push(i);
        yield i;
      }
    }
    pull(numbers(), credits)
      .pipe(
        consume((item: number) => [item], { credits }),
        take(2),
      )
      .subscribe();
    expect(pulled).toEqual([0, 1]);
  });

  it('shows a consumer the item that waits behind its own, and makes it wait for none', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const seen: string[] = [];
      const input = hot('ab---c-----d|').pipe(
        consume((item: string, _index, _signal, waiting) => {
          const looks = [waiting()];
          const answer = cold<string>('---x|').pipe(
            map(() => {
              looks.push(waiting());
              seen.push(`${item}: ${looks.map((next) => next ?? '-').join(' ')}`);
              return item;
            }),
          );
          return answer;
        }),
      );
      // a 0..3, b 3..6, c 6..9, nothing to do, d 11..14
      expectObservable(input).toBe('---a--b--c----(d|)');
      flush();
      // b arrives behind a, and c behind b, after each has begun.
      expect(seen).toEqual(['a: - b', 'b: - c', 'c: - -', 'd: - -']);
    });
  });

  it('shows what waits only when it waits in the queue, also with two in flight', () => {
    const seen: [number, number | undefined][] = [];
    const gates = Array.from({ length: 4 }, () => new Subject<number>());
    from([0, 1, 2, 3])
      .pipe(
        consume(
          (item: number, _index, _signal, waiting) => gates[item]!.pipe(tap(() => seen.push([item, waiting()]))),
          { inFlight: 2 },
        ),
      )
      .subscribe();
    for (const item of [1, 0, 2, 3]) gates[item]!.next(item);
    expect(seen).toEqual([
      [1, 2],
      [0, 3],
      [2, undefined],
      [3, undefined],
    ]);
  });

  it('measures how long the consumer waited for data', () => {
    marbles(({ cold, hot, now, expectObservable, flush }) => {
      const meter = new ThroughputMeter(now);
      const input = hot('   --a---------b|');
      expectObservable(input.pipe(consume(() => cold('----x'), { meter }))).toBe('------x---------(x|)');
      flush();
      const { count, startUpMs, elapsedMs, waitMs, readiness, meanTaskMs } = meter.snapshot();
      // 2 ms until a; a takes 2..6, nothing to do 6..12, b takes 12..16
      expect({ count, startUpMs, elapsedMs, waitMs, meanTaskMs }).toEqual({
        count: 2,
        startUpMs: 2,
        elapsedMs: 14,
        waitMs: 6,
        meanTaskMs: 4,
      });
      expect(readiness).toBeCloseTo(1 - 6 / 14);
    });
  });
});
