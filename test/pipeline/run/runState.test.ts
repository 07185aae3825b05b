import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../model/index.js';
import { runStateOf } from '../../../pipeline/run/runState.js';
import { wholeState } from './wholeState.js';

describe("a checkpoint's state", () => {
  it('is given back as it is, with what is not known to be of use', () => {
    const state = { ...wholeState(3), best: { auc: 0.9, step: 3 }, momentIndex: [{ name: 'a' }], remedies: [] };
    expect(runStateOf(state, 'last.safetensors')).toEqual(state);
  });

  it.each<[string, object, string]>([
    ['no step', { step: undefined }, 'state.step: '],
    ['a step in words', { step: 'many' }, 'state.step: '],
    ['half a step', { step: 1.5 }, 'state.step: '],
    ['a step before the first', { step: -1 }, 'state.step: '],
    ['no quarantine', { quarantined: undefined }, 'state.quarantined: '],
    ['a clip that is no name', { quarantined: ['a', 5] }, 'state.quarantined.1: '],
    ['no phase', { phase: undefined }, 'state.phase: '],
    ['no configuration', { config: undefined }, 'state.config: '],
    ['an empty configuration', { config: {} }, 'state.config: expected the settings of the run, received none'],
    ['a best without a step', { best: { auc: 1 } }, 'state.best.step: '],
    ['money that is text', { spentUsd: '1' }, 'state.spentUsd: '],
    ['another version', { version: 2 }, 'state.version: '],
    ['a remedy without steps', { remedies: [{}] }, 'state.remedies.0.failedStep: '],
  ])('with %s is refused by name', (_, change, problem) => {
    const attempt = () => runStateOf({ ...wholeState(3), ...change }, 'runs/a/last.safetensors');
    expect(attempt).toThrow(CheckpointError);
    expect(attempt).toThrow('checkpoint runs/a/last.safetensors does not hold the state of a run:\n');
    expect(attempt).toThrow(problem);
  });

  it('names all that is wrong', () => {
    expect(() => runStateOf({}, 'x')).toThrow(/state\.step.*state\.quarantined/s);
  });
});
