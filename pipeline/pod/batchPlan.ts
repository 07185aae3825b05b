/**
 * How the pairs of one optimiser step are cut into micro-batches, so that they should fit into a GPU's memory: judged by
 * what a step takes on a CPU, for on a GPU it was not measured. A run whose memory runs out goes on with smaller parts.
 */
export type BatchPlan = {
  /** Clips of a micro-batch, half real and half fake. */
  batchSize: number;
  gradAccum: number;
  /** Whether activations are computed twice, to fit at all. */
  gradCheckpoint: boolean;
};

/** Pairs of an optimiser step: those of the A100's configuration, 8 × 2. */
const PAIRS_PER_STEP = 16;
/** More pairs at once than the A100's configuration has are not faster in a way that anybody has measured. */
const MOST_PAIRS = 8;
/**
 * On a CPU and without operations of our own, which GPUs do not have, a pair of 224 px and 32 frames keeps up to 5.2 GB
 * until the backward pass, 2.1 GB with gradient checkpointing.
 */
const GB_PER_PAIR = 5.2;
const GB_PER_PAIR_CHECKPOINTED = 2.1;
/** Weights, moments, the framework; and the share of the memory that is left to driver and fragmentation. */
const GB_FIXED = 1;
const SHARE_USED = 0.9;

const powerOfTwoUpTo = (value: number) => 2 ** Math.floor(Math.log2(value));

/** A guess for a GPU with so much memory. The optimiser sees 16 pairs a step on every machine. */
export function planBatch(memoryMiB: number): BatchPlan {
  const room = (memoryMiB / 1024) * SHARE_USED - GB_FIXED;
  const gradCheckpoint = room < GB_PER_PAIR;
  const fitting = Math.max(1, room / (gradCheckpoint ? GB_PER_PAIR_CHECKPOINTED : GB_PER_PAIR));
  const pairs = Math.min(MOST_PAIRS, powerOfTwoUpTo(fitting));
  return { batchSize: 2 * pairs, gradAccum: PAIRS_PER_STEP / pairs, gradCheckpoint };
}
