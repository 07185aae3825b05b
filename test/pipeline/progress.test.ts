import { describe, expect, it, vi } from 'vitest';
import { Console, duration, progressLine } from '../../pipeline/progress.js';
import { progressState as state } from './terminal/progressState.js';
import { Screen } from './terminal/screen.js';

function recorder(isTTY: boolean) {
  const written: string[] = [];
  const out = { isTTY, columns: 200, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { written, out };
}

describe('progressLine', () => {
  it('says step, loss, rate, readiness, money and time left', () => {
    expect(progressLine(state)).toBe(
      'step 120/300 epoch 3 | loss 0.7123 | lr 4.9e-4 | 35.2 clips/s | ready 99 % | $0.021 of $5.00 | 3m12s left',
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
  it('keeps a few lines at the bottom of a terminal up to date, messages above them', async () => {
    const screen = new Screen(80, 12);
    const log = new Console('pretty', screen.stream, 0);
    log.info('begun');
    for (const step of [118, 119, 120]) {
      log.progress({ ...state, step });
      if (step === 119) log.warn('a message that is longer than the terminal is wide '.repeat(3).trim());
    }
    expect(await screen.lines()).toEqual([
      'begun',
      `warning: ${'a message that is longer than the terminal is wide '.repeat(3).trim()}`,
      expect.stringMatching(/━+─+ {2}step 120\/300 {2}40 %/),
      expect.stringContaining('loss 0.7123'),
      expect.stringContaining('35.2 clips/s  ready 99 %'),
      expect.stringContaining('$0.021 of $5'),
    ]);
    log.settle();
    log.info('done');
    const lines = await screen.lines();
    expect(lines.at(-2)).toContain('$0.021 of $5');
    expect(lines.at(-1)).toBe('done');
    expect(lines.filter((line) => line.includes('step 1'))).toHaveLength(1);
  });
  it('survives terminals that are narrow, low or resized', async () => {
    const screen = new Screen(90, 12);
    const log = new Console('pretty', screen.stream, 0);
    log.progress(state);
    log.info('before');
    await screen.resize(30, 12);
    log.progress({ ...state, step: 121 });
    await screen.resize(120, 12);
    log.progress({ ...state, step: 122 });
    const lines = await screen.lines();
    expect(lines[0]).toBe('before');
    expect(lines.filter((line) => line.includes('step 12'))).toHaveLength(1);
    expect(lines[1]).toContain('step 122/300');
    expect(lines).toHaveLength(5);
    log.settle();

    const low = new Screen(60, 3);
    const small = new Console('pretty', low.stream, 0);
    for (const step of [1, 2, 3]) small.progress({ ...state, step });
    expect(await low.lines()).toEqual([expect.stringContaining('step 3/300'), expect.stringContaining('loss')]);
    small.settle();
  });
  it('shows time go by while no step ends', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const screen = new Screen(80, 12);
    const log = new Console('pretty', screen.stream, 0);
    let secondsLeft = 100;
    log.progress(() => ({ ...state, secondsLeft }));
    secondsLeft = 97;
    vi.advanceTimersByTime(3000);
    vi.useRealTimers();
    expect((await screen.lines())[0]).toContain('1m37s left');
    log.settle();
  });
  it('writes colours where the terminal has them and NO_COLOR does not forbid it', () => {
    const coloured = (colours: boolean) => {
      const screen = new Screen(80, 12, colours);
      const log = new Console('pretty', screen.stream, 0);
      log.progress(state, true);
      log.warn('careful');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
      return /\u001b\[[0-9;]*m/.test(screen.written);
    };
    expect([coloured(true), coloured(false)]).toEqual([true, false]);
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
