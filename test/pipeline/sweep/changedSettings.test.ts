import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../model/config/defaults.js';
import { changedSettings } from '../../../pipeline/sweep/changedSettings.js';

describe('changedSettings', () => {
  const now = { ...defaultConfig(), phase: 'a' };

  it('names what differs by its path, and nothing else', () => {
    expect(changedSettings(now, now)).toEqual([]);
    const other = { ...now, lr: 1e-5, sbi: { ...now.sbi, jpeg_quality: [10, 20] } };
    expect(changedSettings(other, now)).toEqual([
      'lr: 0.00001 then, 0.0005 now',
      'sbi.jpeg_quality: [10,20] then, [40,100] now',
    ]);
    expect(changedSettings({ ...now, init: 'first' }, now)).toEqual(['init: "first" then, undefined now']);
  });

  it('takes a setting that did not exist then for its default', () => {
    const { skin_prob: _, ...sbi } = now.sbi;
    const { frame_loss_weight: __, ...rest } = now;
    const then = { ...rest, sbi };
    expect(changedSettings(then, now)).toEqual([]);
    const changed = changedSettings(then, { ...now, frame_loss_weight: 1, sbi: { ...now.sbi, skin_prob: 0.5 } });
    expect(changed.sort()).toEqual(['frame_loss_weight: 0 then, 1 now', 'sbi.skin_prob: 0 then, 0.5 now']);
  });
});
