import type { RunEvents } from '../run/runEvents.js';
import type { RunState } from '../run/runState.js';
import type { PreparedRun, Resumed } from './prepareRun.js';
import { readNewest } from './readNewest.js';
import { describeRemedy, type Remedy, remedied } from './remedy.js';
import { type DivergedError, TrainingError } from './trainActorClient.js';

/**
 * The last checkpoint from before the trouble, with one more remedy.
 * @throws TrainingError when there is none, or too many were tried.
 */
export async function goBack(
  { config, folder }: PreparedRun,
  failed: RunState,
  error: DivergedError,
  events: RunEvents,
): Promise<Resumed> {
  const earlier = failed.remedies ?? [];
  const { max_restarts } = config.failures;
  const advice = 'try training.lr divided by 5 and a longer warm-up';
  if (earlier.length >= max_restarts) {
    const tried = max_restarts > 0 ? `, after ${max_restarts} returns to an earlier checkpoint` : '';
    throw new TrainingError(`${error.message}${tried}; ${advice}`, { cause: error });
  }
  const good = await readNewest(
    await folder.resumable(),
    ({ step, skippedInARow = 0 }) => skippedInARow === 0 && step < failed.step,
  );
  if (!good)
    throw new TrainingError(`${error.message}, and there is no earlier checkpoint; ${advice}`, { cause: error });
  const remedies: Remedy[] = [...earlier, { failedStep: failed.step, fromStep: good.state.step }];
  const settings = remedied(config, remedies.length);
  events.warn(
    'remedy',
    `${error.message}: back to the checkpoint of step ${good.state.step}, with ${describeRemedy(settings)} (${remedies.length} of ${max_restarts})`,
    {
      ...{ failed_step: failed.step, from_step: good.state.step, lr: settings.lr },
      ...{ warmup_epochs: settings.warmup_epochs, compression_qp: settings.compression_qp },
    },
  );
  const { wallSeconds, cpuSeconds, parts } = failed;
  const state = { ...good.state, remedies, wallSeconds, cpuSeconds, ...(parts === undefined ? {} : { parts }) };
  return { file: good.file, state };
}
