import { describe, expect, it } from 'vitest';
import { isDiskTrouble, Patience } from '../../operators/index.js';

const full = () => Object.assign(new Error('no space left'), { code: 'ENOSPC' });

/** Fails so often before it succeeds. */
const failing = (times: number, error: () => Error = full) => {
  let calls = 0;
  return async () => {
    if (calls++ < times) throw error();
    return calls;
  };
};

describe('Patience', () => {
  it('tries again until it works, and says once that it waits and once that it has helped', async () => {
    const said: string[] = [];
    const patience = new Patience({
      ...{ isTransient: isDiskTrouble, limitMs: 5000, everyMs: 1 },
      onWait: (error) => said.push((error as Error).message),
      onBack: () => said.push('back'),
    });
    expect(await Promise.all([patience.retry(failing(4)), patience.retry(failing(2))])).toEqual([5, 3]);
    expect(said).toEqual(['no space left', 'back']);
    expect(await patience.retry(failing(1))).toBe(2);
    expect(said).toEqual(['no space left', 'back', 'no space left', 'back']);
  });

  it('throws at once what does not pass by itself', async () => {
    const said: unknown[] = [];
    const options = { isTransient: isDiskTrouble, limitMs: 5000, everyMs: 1, onWait: (e: unknown) => said.push(e) };
    await expect(new Patience(options).retry(failing(1, () => new Error('a bug')))).rejects.toThrow('a bug');
    expect(said).toEqual([]);
  });

  it('runs out, and then for all: what comes later is not waited for', async () => {
    let now = 0;
    const patience = new Patience({
      ...{ isTransient: isDiskTrouble, limitMs: 100, everyMs: 1 },
      clock: () => {
        now += 30;
        return now;
      },
    });
    await expect(patience.retry(failing(1000))).rejects.toThrow('no space left');
    expect(patience.exhausted).toBe(true);
    let calls = 0;
    const again = patience.retry(async () => {
      calls++;
      throw full();
    });
    await expect(again).rejects.toThrow('no space left');
    expect(calls).toBe(1);
  });

  it('ends its waiting when it is told to stop', async () => {
    const controller = new AbortController();
    const patience = new Patience({
      ...{ isTransient: isDiskTrouble, limitMs: 60_000, everyMs: 60_000, signal: controller.signal },
      onWait: () => setTimeout(() => controller.abort(), 5),
    });
    await expect(patience.retry(failing(1000))).rejects.toThrow('no space left');
  });
});

describe('isDiskTrouble', () => {
  it('looks at the cause of an error as well', () => {
    expect(isDiskTrouble(new Error('cannot write', { cause: full() }))).toBe(true);
    expect(isDiskTrouble(Object.assign(new Error('gone'), { code: 'ESTALE' }))).toBe(true);
    expect(isDiskTrouble(Object.assign(new Error('denied'), { code: 'EACCES' }))).toBe(false);
    expect(isDiskTrouble(new Error('a bug'))).toBe(false);
    expect(isDiskTrouble('ENOSPC')).toBe(false);
  });
});
