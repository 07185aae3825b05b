import { describe, expect, it } from 'vitest';
import { orderedMap, ThroughputMeter } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('ThroughputMeter', () => {
  it('knows nothing before the first item', () => {
    let now = 10;
    const meter = new ThroughputMeter(() => now);
    now = 15;
    expect(meter.snapshot()).toEqual({
      count: 0,
      startUpMs: 5,
      elapsedMs: 0,
      perSecond: 0,
      meanTaskMs: 0,
      waitMs: 0,
      readiness: 1,
      meanQueued: 0,
      maxQueued: 0,
      meanInFlight: 0,
    });
  });

  it('measures a stage: two slots, five items at once, then a wait', () => {
    marbles(({ cold, hot, expectObservable, flush, now }) => {
      const meter = new ThroughputMeter(now);
      const input = hot('   (abcde)-------------------f----|');
      const expected = '    ----------(AB)------(CD)------E-----(F|)';
      const task = (value: string) => cold('----------x', { x: value.toUpperCase() });
      expectObservable(input.pipe(orderedMap(task, { concurrency: 2, meter }))).toBe(expected);
      flush();
      // 0..10 two in flight and three queued, 10..20 two and one, 20..26 e, 26..30 e and f, 30..36 f
      const { count, elapsedMs, meanQueued, maxQueued, meanInFlight, meanTaskMs, waitMs } = meter.snapshot();
      expect({ count, elapsedMs, maxQueued, waitMs }).toEqual({ count: 6, elapsedMs: 36, maxQueued: 3, waitMs: 0 });
      expect(meanQueued).toBeCloseTo((3 * 10 + 1 * 10) / 36);
      expect(meanInFlight).toBeCloseTo((2 * 20 + 6 + 2 * 4 + 6) / 36);
      expect(meanTaskMs).toBeCloseTo(10);
    });
  });

  it('takes a stage with something queued for busy elsewhere, not for waiting', () => {
    let now = 0;
    const meter = new ThroughputMeter(() => now);
    meter.arrived();
    now = 10;
    expect(meter.snapshot()).toMatchObject({ waitMs: 0, meanQueued: 1 });
  });

  it('counts a wait that still goes on', () => {
    let now = 0;
    const meter = new ThroughputMeter(() => now);
    meter.arrived();
    meter.started();
    now = 30;
    meter.finished();
    now = 40;
    expect(meter.snapshot()).toMatchObject({ waitMs: 10, readiness: 0.75, perSecond: 25 });
  });
});
