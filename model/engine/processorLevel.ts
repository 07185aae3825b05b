import { readFileSync } from 'node:fs';

/**
 * Levels of x86-64 that our own operations are compiled for, best first
 * (https://gitlab.com/x86-psABIs/x86-64-ABI, "micro-architecture levels"). Flags as Linux names them.
 */
const LEVELS = {
  'x86-64-v4': ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'],
  'x86-64-v3': ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe'],
  'x86-64': [],
} as const;

export type ProcessorLevel = keyof typeof LEVELS;

/** Levels from the most basic one up, so that a level's place says what it includes. */
export const PROCESSOR_LEVELS = (Object.keys(LEVELS) as ProcessorLevel[]).reverse();

/**
 * The highest level that a processor reaches.
 * @param cpuinfo what Linux says of it; of this machine unless given
 */
export function processorLevel(cpuinfo: string = readCpuinfo()): ProcessorLevel {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? []);
  const reached = PROCESSOR_LEVELS.findIndex((level) => LEVELS[level].some((flag) => !flags.has(flag)));
  return reached < 0 ? PROCESSOR_LEVELS.at(-1)! : PROCESSOR_LEVELS[reached - 1]!;
}

/** Whether code compiled for `level` runs on a processor that reaches `reached`. */
export function runsOn(level: ProcessorLevel, reached: ProcessorLevel): boolean {
  return PROCESSOR_LEVELS.indexOf(level) <= PROCESSOR_LEVELS.indexOf(reached);
}

/** What Linux says of this machine's processors; nothing elsewhere. */
export function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
