import type { StfConfig } from '../../model/index.js';

/** One return to an earlier checkpoint after training had gone astray. */
export type Remedy = {
  /** Step at which the run gave up, and the step it went back to. */
  failedStep: number;
  fromStep: number;
};

/** The published remedy for a loss that is not finite: a fifth of the rate, ten epochs of warm-up, milder compression. */
const RATE_DIVISOR = 5;
const WARMUP_EPOCHS = 10;
const LEAST_QP = 28;

/** The configuration after so many remedies; the rate falls with each, the other two changes are made once. */
export function remedied(config: StfConfig, times: number): StfConfig {
  if (times === 0) return config;
  const lr = config.lr / RATE_DIVISOR ** times;
  const [low, high] = config.compression_qp;
  return {
    ...config,
    lr,
    min_lr: Math.min(config.min_lr, lr),
    warmup_epochs: Math.max(config.warmup_epochs, WARMUP_EPOCHS),
    compression_qp: [Math.max(low, LEAST_QP), Math.max(high, LEAST_QP)],
  };
}

/** What changes by a remedy, in words. */
export function describeRemedy({ lr, warmup_epochs, compression_qp }: StfConfig): string {
  return `training.lr ${lr.toExponential(1)}, ${warmup_epochs} epochs of warm-up from here on, sbi.compression_qp from ${compression_qp[0]}`;
}
