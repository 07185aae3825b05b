import { concatMap, delay, NEVER, of, pipe } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { StreamStalledError, stallWatch } from '../../operators/index.js';
import { marbles } from './marbles.js';

/** A station that needs `ms` for each item. */
const station = (ms: number) => pipe(concatMap((value: string) => of(value).pipe(delay(ms))));

describe('stallWatch', () => {
  it('tells when nothing arrives, and when something does again', () => {
    const said: string[] = [];
    marbles(({ hot, expectObservable, now }) => {
      const input = hot('   -a 20ms b 3ms c|');
      const expected = '    --a 20ms b 3ms (c|)';
      const options = {
        ...{ noticeMs: 10, everyMs: 1, clock: now },
        onStall: () => said.push('stall'),
        onResume: () => said.push('resume'),
      };
      expectObservable(input.pipe(stallWatch(station(1), options))).toBe(expected);
    });
    expect(said).toEqual(['stall', 'resume']);
  });

  it('does not take a station that is slow for one that is idle', () => {
    const said: string[] = [];
    marbles(({ hot, expectObservable, now }) => {
      const input = hot('   ab|');
      const expected = '    50ms a 49ms (b|)';
      const options = { noticeMs: 10, limitMs: 20, everyMs: 1, clock: now, onStall: () => said.push('stall') };
      expectObservable(input.pipe(stallWatch(station(50), options))).toBe(expected);
    });
    expect(said).toEqual([]);
  });

  it('errors when nothing arrives for too long', () => {
    marbles(({ expectObservable, now }) => {
      const options = { noticeMs: 5, limitMs: 30, everyMs: 10, clock: now };
      expectObservable(NEVER.pipe(stallWatch(station(1), options))).toBe('30ms #', {}, new StreamStalledError(30));
    });
  });

  it('passes errors and the end on', () => {
    marbles(({ hot, expectObservable, now }) => {
      const options = { noticeMs: 5, everyMs: 1, clock: now };
      expectObservable(hot<string>('-#').pipe(stallWatch(station(1), options))).toBe('-#');
      expectObservable(hot<string>('-|').pipe(stallWatch(station(1), options))).toBe('-|');
    });
  });
});
