import type { Difficulty, StfConfig } from './configSchema.js';

/** The difficulty that `sbi.difficulty` asks for in `epoch` (0-based): the last entry begun by then. */
export function difficultyAt(config: StfConfig, epoch: number): Difficulty {
  const { difficulty } = config.sbi;
  if (typeof difficulty === 'string') return difficulty;
  return difficulty.findLast((entry) => entry.from_epoch <= epoch)?.difficulty ?? difficulty[0]!.difficulty;
}
