/** How long a run waits for its parts before it acts, milliseconds. */
export type TimeLimits = {
  /** A worker that has been at one clip for so long hangs: it is ended and the clip tried again. */
  taskMs: number;
  /** A trainer that has waited for a batch for so long says so. */
  stallNoticeMs: number;
  /** What a stall may last beyond `failures.wait_minutes`: two attempts at a clip that hangs. */
  stallMarginMs: number;
  /** A call of the train actor is stuck when it takes longer than this and than `STUCK_FACTOR` usual ones. */
  stuckMs: number;
  /** The same for the first calls, which load libraries, record the step and compile kernels. */
  firstStuckMs: number;
  /** What a call may take that is under way when the last of the money is spent. */
  brokeMs: number;
};

const TASK_MS = 120_000;

/** Of a run on any machine; tests put shorter ones in their place. */
export const timeLimits: TimeLimits = {
  taskMs: TASK_MS,
  stallNoticeMs: 60_000,
  stallMarginMs: 2 * TASK_MS,
  stuckMs: 10 * 60_000,
  firstStuckMs: 30 * 60_000,
  brokeMs: 30_000,
};
