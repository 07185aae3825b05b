import fc from 'fast-check';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { visibleLength } from '../../../pipeline/terminal/liveBlock.js';
import { progressBlock } from '../../../pipeline/terminal/progressBlock.js';
import { progressState as state } from './progressState.js';

describe('progressBlock', () => {
  it('says in a few lines how far, how well, how fast and for how much', () => {
    expect(progressBlock(state, 100)).toEqual([
      `${'━'.repeat(16)}${'─'.repeat(24)}  step 120/300  40 %  3m12s left  epoch 3`,
      'loss 0.7123  AUC 0.841  best 0.860  lr 4.9e-4  grad 1.27',
      '35.2 clips/s  ready 99 %  workers 2/3 busy  5 ahead  1.2 GB  1 in quarantine',
      '$0.021 of $5.00  0.4 % of the budget',
    ]);
  });

  it('leaves out what is not known or not worth a word, and says that it is stopping', () => {
    const { workers, quarantined, rssMb, auc, bestAuc, gradNorm, ...bare } = state;
    expect(progressBlock({ ...bare, maxBudget: 0, spentUsd: 0, stopping: true }, 60)).toEqual([
      `${'━'.repeat(8)}${'─'.repeat(12)}  step 120/300  40 %  stopping  epoch 3`,
      'loss 0.7123  lr 4.9e-4',
      '35.2 clips/s  ready 99 %',
    ]);
  });

  it('fits every width, with and without colours', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.boolean(), (columns, coloured) => {
        const lines = progressBlock(state, columns, pc.createColors(coloured));
        for (const line of lines) expect(visibleLength(line)).toBeLessThanOrEqual(Math.max(1, columns - 1));
        if (columns >= 20) expect(lines[0]).toContain('step 120/300');
      }),
    );
  });

  it('warns by colour where data is late and the budget nearly spent', () => {
    const [, , machine, money] = progressBlock({ ...state, readiness: 0.5, spentUsd: 4.9 }, 200, pc.createColors(true));
    expect(machine).toContain('\u001b[31mready 50 %');
    expect(money).toContain('\u001b[31m$4.900 of $5.00');
  });
});
