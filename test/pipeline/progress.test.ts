import { describe, expect, it } from 'vitest';
import { Console, duration, progressLine } from '../../pipeline/progress.js';

const state = {
  step: 120,
  totalSteps: 300,
  epoch: 3,
  loss: 0.71234,
  lr: 4.9e-4,
  clipsPerSecond: 35.24,
  readiness: 0.987,
  spentUsd: 0.0213,
  maxBudget: 5,
  secondsLeft: 192,
};

function recorder(isTTY: boolean) {
  const written: string[] = [];
  const out = { isTTY, columns: 200, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { written, out };
}

describe('progressLine', () => {
  it('says step, loss, rate, readiness, money and time left', () => {
    expect(progressLine(state)).toBe(
      'step 120/300 epoch 3 | loss 0.7123 | lr 4.9e-4 | 35.2 clips/s | ready 99 % | $0.021 of $5 | 3m12s left',
    );
  });
  it.each([
    [0.4, '0s'],
    [59.6, '1m00s'],
    [3599, '59m59s'],
    [3720, '1h02m'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('writes %d s as %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});

describe('Console', () => {
  it('rewrites one line on a terminal and ends it before the next message', () => {
    const { written, out } = recorder(true);
    const log = new Console('pretty', out, 0);
    log.progress(state);
    log.progress(state);
    log.info('done');
    expect(written[0]).toMatch(/^\r.*step 120/);
    expect(written.slice(2)).toEqual(['\n', 'done\n']);
  });
  it('prints at most one progress line per interval elsewhere, and the last one always', () => {
    const { written, out } = recorder(false);
    const log = new Console('pretty', out, 60_000);
    log.progress(state);
    log.progress(state);
    expect(written).toHaveLength(1);
    log.progress(state, true);
    expect(written).toHaveLength(2);
    expect(written[1]!.endsWith('left\n')).toBe(true);
  });
  it('writes one JSON object a line when asked to', () => {
    const { written, out } = recorder(false);
    const log = new Console('json', out, 0);
    log.warn('careful');
    log.progress(state);
    expect(written.map((line) => JSON.parse(line))).toEqual([
      { level: 'warn', message: 'careful' },
      { level: 'progress', ...state },
    ]);
  });
});
