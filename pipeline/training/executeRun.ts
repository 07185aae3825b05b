import { isDiskTrouble, Patience } from '../../operators/index.js';
import { SynthesisPool } from '../../workers/index.js';
import { DataWatch } from '../data/dataWatch.js';
import { EXIT, exitCodeOf } from '../exitCodes.js';
import { duration } from '../progress.js';
import { RunEvents } from '../run/runEvents.js';
import { StopSignal } from '../run/stopSignal.js';
import { Sampler } from '../sampler.js';
import { UserError } from '../userError.js';
import { countMoney } from './countMoney.js';
import { goBack } from './goBack.js';
import type { PreparedRun, Resumed } from './prepareRun.js';
import { readNewest } from './readNewest.js';
import { RunViews } from './runViews.js';
import { stepReporter } from './stepReporter.js';
import { type Machinery, Stretch } from './stretch.js';
import { DivergedError } from './trainActorClient.js';
import { planTraining } from './trainingPlan.js';
import type { StopReason, TrainingRun } from './trainingRun.js';

/** A worker that has been at one clip for so long hangs: it is ended and the clip tried again. */
const TASK_TIMEOUT_MS = 120_000;
/** A trainer that has waited for a batch for so long says so. */
const STALL_NOTICE_MS = 60_000;
/** What a stall may last beyond `failures.wait_minutes`: two attempts at a clip that hangs. */
const STALL_MARGIN_MS = 2 * TASK_TIMEOUT_MS;

/**
 * Starts actor, pool and sinks, runs the flow to its end and leaves summary.json, whatever the end was. A run that goes
 * astray is taken back to an earlier checkpoint with milder settings, `failures.max_restarts` times.
 * @returns the process's exit code.
 */
export async function executeRun(prepared: PreparedRun): Promise<number> {
  const { options, config, splits, ids, folder, log } = prepared;
  const pairsPerMicro = config.batch_size / 2;
  const sampler = new Sampler({ ids: ids.train, seed: config.seed, pairsPerMicro, gradAccum: config.grad_accum });
  const plan = planTraining(config, sampler, options, prepared.resumed?.state);
  for (const text of plan.warnings) log.warn(text);

  const events = new RunEvents(folder.file('events.jsonl'), log);
  for (const text of prepared.resumed?.passedOver ?? [])
    events.info('damaged_checkpoint', text, { went_on_from: prepared.resumed?.file });
  const stop = new StopSignal();
  const pool = new SynthesisPool({
    threads: config.num_workers || 'auto',
    taskTimeoutMs: TASK_TIMEOUT_MS,
    onTuning: ({ threads, reason }) => log.info(`${threads} workers from now on: ${reason}`),
  });
  const waitMs = config.failures.wait_minutes * 60_000;
  const money = await countMoney(prepared, plan, events);
  let views: RunViews | undefined;
  const machinery: Omit<Machinery, 'views'> = {
    ...{ prepared, sampler, pool, events, stop: stop.signal, budget: money.budget },
    patience: new Patience({
      isTransient: isDiskTrouble,
      limitMs: waitMs,
      signal: stop.signal,
      onWait: (error) => events.warn('disk', `${(error as Error).message}; waiting up to ${duration(waitMs / 1000)}`),
      onBack: (ms) => events.info('disk', `the disk takes what is written again, after ${duration(ms / 1000)}`),
    }),
    data: new DataWatch(prepared.data, {
      limitMs: waitMs,
      onLost: (path) =>
        events.warn('data', `the data root ${path} is gone; waiting up to ${duration(waitMs / 1000)} for it`),
      onBack: (ms) => events.info('data', `the data root is back after ${duration(ms / 1000)}`),
    }),
    stall: {
      noticeMs: STALL_NOTICE_MS,
      limitMs: waitMs + STALL_MARGIN_MS,
      onStall: (ms) => events.warn('stall', `no batch for ${duration(ms / 1000)}: the trainer waits for data`),
      onResume: (ms) => events.info('stall', `batches arrive again, after ${duration(ms / 1000)}`),
    },
    report: stepReporter(log, plan, money.budget, config.cost_per_hour > 0 ? config.max_budget : 0, {
      forecast: money.forecast,
      more: () => ({ ...views?.progress(), stopping: stop.signal.aborted }),
    }),
  };

  let stretch: Stretch | undefined;
  let resumed = prepared.resumed && withTimeOf(prepared.resumed, money.secondsBefore);
  let reason: StopReason = 'error';
  let failure: unknown;
  try {
    views = await RunViews.open({
      ...{ folder: folder.path, stepsDone: plan.firstStep - 1, plannedSteps: plan.lastStep, log, pool },
      ...(options.watch === undefined ? {} : { watch: options.watch }),
    });
    for (;;) {
      await stretch?.close();
      stretch = new Stretch({ ...machinery, views }, planTraining(config, sampler, options, resumed?.state), resumed);
      try {
        await stretch.begin();
        reason = await stretch.run();
        break;
      } catch (error) {
        if (!(error instanceof DivergedError) || !stretch.current) throw error;
        resumed = await goBack(prepared, stretch.current.state, error, events);
      }
    }
  } catch (error) {
    failure = await explained(error, prepared, machinery.patience);
    if (exitCodeOf(error) === EXIT.samples) reason = 'failure_budget';
  }
  log.settle();
  await pool.destroy();
  const closing = await stretch?.close();
  failure ??= closing;
  stop.release();
  await money.stop();
  await events.flush();
  const run = stretch?.current;
  if (run)
    try {
      const recorded = stretch?.recorder ? { recorded: stretch.recorder.summary } : {};
      await folder.writeJson('summary.json', {
        ...{ ...views?.summary(reason, failure), events: events.counts },
        ...recorded,
      });
      log.info(farewell(run, reason));
    } catch (error) {
      failure ??= error;
    }
  await views?.close();
  if (failure !== undefined) throw failure;
  log.info(`${splits.clips.test.length} test clips untouched; checkpoints in ${folder.checkpoints}`);
  return stop.exitCode ?? EXIT.done;
}

/** Falling back to an older checkpoint gives no time back. */
function withTimeOf(resumed: Resumed, wallSeconds: number): Resumed {
  return { ...resumed, state: { ...resumed.state, wallSeconds: Math.max(resumed.state.wallSeconds, wallSeconds) } };
}

/** A disk that stayed full is the user's to mend: what he needs to know is what is safe. */
async function explained(error: unknown, { folder, config }: PreparedRun, patience: Patience): Promise<unknown> {
  if (!isDiskTrouble(error)) return error;
  const waited = patience.exhausted ? `, also after waiting for ${duration(60 * config.failures.wait_minutes)}` : '';
  const good = await readNewest(await folder.resumable()).catch(() => undefined);
  const safe = good
    ? `The checkpoint of step ${good.state.step} is whole (${good.file}); make room and go on with --resume auto.`
    : `There is no whole checkpoint in ${folder.checkpoints} now.`;
  return new UserError(`${(error as Error).message}${waited}. ${safe}`, { cause: error });
}

function farewell({ state }: TrainingRun, reason: StopReason): string {
  const best = state.best ? `${state.best.auc.toFixed(4)} at step ${state.best.step}` : '–';
  return `stopped (${reason}) after step ${state.step}; best AUC ${best}; ${duration(state.wallSeconds)}, $${state.spentUsd.toFixed(3)}; ${state.quarantined.length} clips in quarantine`;
}
