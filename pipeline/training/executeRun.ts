import { isDiskTrouble, Patience } from '../../operators/index.js';
import { SynthesisPool } from '../../workers/index.js';
import { DataWatch } from '../data/dataWatch.js';
import { EXIT, exitCodeOf } from '../exitCodes.js';
import { duration } from '../progress.js';
import { endProcess } from '../run/endProcess.js';
import { RunEvents } from '../run/runEvents.js';
import { StopSignal } from '../run/stopSignal.js';
import { Sampler } from '../sampler.js';
import { usdCounted } from '../usd.js';
import { UserError } from '../userError.js';
import { countMoney } from './countMoney.js';
import { goBack } from './goBack.js';
import type { PreparedRun, Resumed } from './prepareRun.js';
import { readNewest } from './readNewest.js';
import { RunViews } from './runViews.js';
import { stepReporter } from './stepReporter.js';
import { type Machinery, Stretch } from './stretch.js';
import { StuckError, watchForStuckCalls } from './stuckWatch.js';
import { timeLimits } from './timeLimits.js';
import { DivergedError } from './trainActorClient.js';
import { planTraining } from './trainingPlan.js';
import type { StopReason, TrainingRun } from './trainingRun.js';

/** What is left to do once the train actor is stuck must not take longer: it may be the disk that does not answer. */
const STUCK_ENDING_MS = 60_000;

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
    events.keep('damaged_checkpoint', text, { went_on_from: prepared.resumed?.file });
  const stop = new StopSignal(() => events.info('terminal', 'the terminal has gone (SIGHUP); the run goes on'));
  const pool = new SynthesisPool({
    threads: config.num_workers || 'auto',
    taskTimeoutMs: timeLimits.taskMs,
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
      signal: AbortSignal.any([stop.signal, money.exhausted]),
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
      noticeMs: timeLimits.stallNoticeMs,
      limitMs: waitMs + timeLimits.stallMarginMs,
      onStall: (ms) => events.warn('stall', `no batch for ${duration(ms / 1000)}: the trainer waits for data`),
      onResume: (ms) => events.info('stall', `batches arrive again, after ${duration(ms / 1000)}`),
    },
    report: stepReporter(log, plan, money.budget, config.cost_per_hour > 0 ? config.max_budget : 0, {
      forecast: money.forecast,
      more: () => ({ ...views?.progress(), stopping: stop.signal.aborted }),
    }),
  };

  let stretch: Stretch | undefined;
  const watch = watchForStuckCalls({ calls: () => stretch?.calls, budget: money.budget, limits: timeLimits });
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
        const part = stretch;
        reason = await Promise.race([watch.stuck, part.begin().then(() => part.run())]);
        break;
      } catch (error) {
        if (!(error instanceof DivergedError) || !stretch.current) throw error;
        resumed = await goBack(prepared, stretch.current.state, error, events);
      }
    }
  } catch (error) {
    if (error instanceof StuckError) setTimeout(() => endProcess(EXIT.training), STUCK_ENDING_MS);
    failure = await explained(error, prepared, machinery.patience, money.exhausted);
    if (exitCodeOf(error) === EXIT.samples) reason = 'failure_budget';
  }
  watch.release();
  log.settle();
  await pool.destroy();
  // A thread that is stuck cannot be waited for.
  if (!(failure instanceof StuckError)) {
    const closing = await stretch?.close();
    failure ??= closing;
  }
  await events.flush();
  const run = stretch?.current;
  if (run)
    try {
      const recorded = stretch?.recorder ? { recorded: stretch.recorder.summary } : {};
      const summary = { ...views?.summary(reason, failure), events: events.counts, ...recorded };
      await machinery.patience.retry(() => folder.writeJson('summary.json', summary));
      log.info(farewell(run, reason));
    } catch (error) {
      failure ??= await explained(error, prepared, machinery.patience, money.exhausted);
    }
  stop.release();
  await money.stop();
  await events.flush();
  await views?.close();
  if (failure !== undefined) throw failure;
  log.info(`${splits.clips.test.length} test clips untouched; checkpoints in ${folder.checkpoints}`);
  return stop.exitCode ?? EXIT.done;
}

/** Falling back to an older checkpoint gives no time back. */
function withTimeOf(resumed: Resumed, wallSeconds: number): Resumed {
  return { ...resumed, state: { ...resumed.state, wallSeconds: Math.max(resumed.state.wallSeconds, wallSeconds) } };
}

/**
 * A disk that stayed full is the user's to mend, and so is a machine that hangs: what he needs to know is what is safe.
 */
async function explained(
  error: unknown,
  { folder, config }: PreparedRun,
  patience: Patience,
  moneyEnds: AbortSignal,
): Promise<unknown> {
  const stuck = error instanceof StuckError;
  if (!stuck && !isDiskTrouble(error)) return error;
  const waited = patience.exhausted
    ? `, also after waiting for ${duration(60 * config.failures.wait_minutes)}`
    : !stuck && moneyEnds.aborted
      ? ', and the budget ends, so nothing waits for it any more'
      : '';
  const good = await readNewest(await folder.resumable()).catch(() => undefined);
  const safe = good
    ? `The checkpoint of step ${good.state.step} is whole (${good.file}); ${stuck ? '' : 'make room and '}go on with --resume auto.`
    : `There is no whole checkpoint in ${folder.checkpoints} now.`;
  const text = `${(error as Error).message}${waited}. ${safe}`;
  return stuck ? new StuckError(text, { cause: error }) : new UserError(text, { cause: error });
}

function farewell({ state }: TrainingRun, reason: StopReason): string {
  const best = state.best ? `${state.best.auc.toFixed(4)} at step ${state.best.step}` : '–';
  return `stopped (${reason}) after step ${state.step}; best AUC ${best}; ${duration(state.wallSeconds)}, ${usdCounted(state.spentUsd)}; ${state.quarantined.length} clips in quarantine`;
}
