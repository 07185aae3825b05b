export const PREPROCESSING_STAGES = ['index', 'decode', 'convert', 'detect', 'landmarks', 'crop'] as const;
export type PreprocessingStage = (typeof PREPROCESSING_STAGES)[number];
/** CPU time of a video by stage, milliseconds. */
export type StageTimes = Record<PreprocessingStage, number>;

type CpuUsage = { user: number; system: number };
/** Of this thread where Node can tell (22.16 and later), else of the whole process. */
const cpuUsage: () => CpuUsage =
  (process as { threadCpuUsage?: () => CpuUsage }).threadCpuUsage?.bind(process) ?? process.cpuUsage.bind(process);

/** Adds up CPU time by stage. */
export class StageClock {
  readonly times = Object.fromEntries(PREPROCESSING_STAGES.map((stage) => [stage, 0])) as StageTimes;

  time<T>(stage: PreprocessingStage, work: () => T): T {
    const end = this.start(stage);
    try {
      return work();
    } finally {
      end();
    }
  }

  /** @returns what to call when the stage has ended */
  start(stage: PreprocessingStage): () => void {
    const before = cpuUsage();
    return () => {
      const after = cpuUsage();
      this.times[stage] += (after.user + after.system - before.user - before.system) / 1000;
    };
  }
}
