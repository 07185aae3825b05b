import { take } from 'rxjs';
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
