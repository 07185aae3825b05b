import { Recorder } from '../../operators/index.js';
import type { SynthesisTask } from '../../workers/index.js';
import type { Console } from '../progress.js';
import type { SamplePlan } from '../sampler.js';
import type { MicroBatch } from '../training/microBatch.js';
import { draftOfBatch, type RecordedRun } from './recordedBatch.js';
import type { RecordPlan } from './recordPlan.js';
import { inRange } from './stepRange.js';

/** Records the micro-batches of a run, as planned. */
export class RunRecorder {
  private constructor(
    readonly recorder: Recorder,
    private readonly plan: RecordPlan,
    private readonly log: Console,
    private readonly taskOf: (plan: Pick<SamplePlan, 'key'>, clip: string) => SynthesisTask,
    private readonly run: RecordedRun,
  ) {}

  /** @throws RecordingError when the folder cannot be used. */
  static async open(
    plan: RecordPlan,
    log: Console,
    taskOf: (plan: Pick<SamplePlan, 'key'>, clip: string) => SynthesisTask,
    run: RecordedRun,
  ): Promise<RunRecorder> {
    const recorder = await Recorder.open(plan.folder, {
      maxBytes: plan.maxBytes,
      onStop: (reason) => log.warn(`recording has stopped, training goes on: ${reason}`),
    });
    return new RunRecorder(recorder, plan, log, taskOf, run);
  }

  /** For `record`: what to write of a micro-batch, if it is one of those to be recorded. */
  readonly describe = (micro: MicroBatch) => {
    if (!inRange(this.plan.steps, micro.step)) return undefined;
    const tasks = micro.ids.map((id, i) => this.taskOf({ key: micro.keys[i]! }, id));
    return draftOfBatch(micro, tasks, this.run);
  };

  /** Brings everything to the disk and says what there is. */
  async close(): Promise<void> {
    await this.recorder.close();
    const { files, bytes, folder } = this.recorder;
    this.log.info(`recorded ${files} micro-batches (${(bytes / 1e6).toFixed(1)} MB) in ${folder}`);
  }

  /** For summary.json. */
  get summary(): object {
    const { folder, files, bytes, stopped } = this.recorder;
    return { folder, files, bytes, stopped: stopped ?? null };
  }
}
