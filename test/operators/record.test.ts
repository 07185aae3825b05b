import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type RecordingSink, record } from '../../operators/index.js';
import { marbles } from './marbles.js';

/* With sinks of other kinds; `recorder.test.ts` has it with files. */

const draft = (name: string) => ({ name, header: {}, parts: [] });

describe('record', () => {
  it('passes a value on when its bytes were taken, others at once but in order, and ends when all is safe', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      // a and c take five frames each to be written; b, which is not recorded, still waits behind a, and d behind c.
      const input = hot('ab-c--d|        ');
      const passed = '   -----(ab)-(cd)|';
      const write = cold('-----(x|)');
      const flush = cold('----|');
      const sink: RecordingSink = { stopped: undefined, write: () => write, flush: () => flush };
      const recorded = input.pipe(record(sink, (value) => ('ac'.includes(value) ? draft(value) : undefined)));
      expectObservable(recorded).toBe(passed);
      expectSubscriptions(write.subscriptions).toBe(['^----!', '-----^----!']);
      expectSubscriptions(flush.subscriptions).toBe('----------^---!');
    });
  });
});

describe('record, whatever is slow', () => {
  it('keeps order, loses nothing, writes one after the other and flushes once at the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 20 }), async (scheduler, wanted) => {
        const log: string[] = [];
        let writing = 0;
        const sink: RecordingSink = {
          stopped: undefined,
          write: async (name) => {
            writing += 1;
            expect(writing).toBe(1);
            await scheduler.schedule(Promise.resolve());
            writing -= 1;
            log.push(name);
          },
          flush: async () => {
            await scheduler.schedule(Promise.resolve());
            log.push('flush');
          },
        };
        const values = wanted.map((_, i) => i);
        const flow = from(values).pipe(
          record(sink, (i) => (wanted[i] ? draft(String(i)) : undefined)),
          toArray(),
        );
        expect(await scheduler.waitFor(lastValueFrom(flow))).toEqual(values);
        expect(log).toEqual([...values.filter((i) => wanted[i]).map(String), 'flush']);
      }),
    );
  });

  it('describes and writes nothing more once the sink has stopped', async () => {
    const described: number[] = [];
    const sink = { stopped: undefined as string | undefined, write: async () => {}, flush: async () => {} };
    const flow = from([1, 2, 3, 4]).pipe(
      record(sink, (n) => {
        described.push(n);
        if (n === 2) sink.stopped = 'full';
        return draft(String(n));
      }),
      toArray(),
    );
    expect(await lastValueFrom(flow)).toEqual([1, 2, 3, 4]);
    expect(described).toEqual([1, 2]);
  });
});
