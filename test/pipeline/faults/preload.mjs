/*
 * Loaded before the train command (`node --import`), in its main thread and all others: makes happen what cannot be
 * waited for. Which fault, is said by the environment:
 *
 *   FAULT_SKIP=5..9      optimiser steps whose gradient is not finite, as long as the rate is the one asked for
 *   FAULT_OOM=4          no memory for more than so many clips at once
 *   FAULT_RECORD=Sum     steps with an operation of this type cannot be recorded
 *   FAULT_FLAGS=amx_bf16 the processor says that it has these features too
 *   FAULT_HANG=5         the optimiser does not come back from this step: the thread is stuck in native code
 *   FAULT_STALL=9        no clip is made any more after so many
 *   FAULT_STAGED=file    (no fault) the keys of micro-batches that are staged ahead are written there, one a line
 *   FAULT_LIMITS=json    other time limits than those of a real run
 *   FAULT_SPENT=file     so much more money is spent as this file says, once it is there
 *   FAULT_FULL=file      the disk takes nothing more into files that FAULT_PATH matches, as long as this file exists
 *   FAULT_KILL=17        kill -9 before the 17th call to the file system about files that FAULT_PATH matches
 */
import { spawnSync } from 'node:child_process';
import syncFs, { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const { FAULT_SKIP, FAULT_OOM, FAULT_FULL, FAULT_KILL, FAULT_PATH } = process.env;
const { FAULT_RECORD, FAULT_FLAGS, FAULT_HANG, FAULT_STALL, FAULT_LIMITS, FAULT_STAGED, FAULT_SPENT } = process.env;

if (FAULT_LIMITS) {
  const { timeLimits } = await import('../../../dist/pipeline/training/timeLimits.js');
  Object.assign(timeLimits, JSON.parse(FAULT_LIMITS));
}

if (FAULT_SPENT) {
  const { Budget } = await import('../../../dist/operators/budget.js');
  const { spent } = Budget.prototype;
  Budget.prototype.spent = function () {
    return spent.call(this) + (existsSync(FAULT_SPENT) ? Number(syncFs.readFileSync(FAULT_SPENT, 'utf8')) : 0);
  };
}

if (FAULT_STAGED) {
  const { FeedStaging } = await import('../../../dist/model/engine/recording/feedStaging.js');
  const { beside } = FeedStaging.prototype;
  FeedStaging.prototype.beside = function (step, next) {
    if (next) syncFs.appendFileSync(FAULT_STAGED, `${next.key}\n`);
    return beside.call(this, step, next);
  };
}

if (FAULT_STALL) {
  const { SynthesisPool } = await import('../../../dist/workers/pool/synthesisPool.js');
  const { run } = SynthesisPool.prototype;
  let made = 0;
  SynthesisPool.prototype.run = function (...given) {
    return ++made > Number(FAULT_STALL) ? new Promise(() => {}) : run.apply(this, given);
  };
}

if (FAULT_HANG) {
  const { Trainer } = await import('../../../dist/model/training/trainer.js');
  const { apply } = Trainer.prototype;
  Trainer.prototype.apply = function (step) {
    if (step + 1 === Number(FAULT_HANG)) spawnSync('sleep', ['600']);
    return apply.call(this, step);
  };
}

if (FAULT_SKIP || FAULT_OOM) {
  const { Trainer } = await import('../../../dist/model/training/trainer.js');
  const { apply, accumulate } = Trainer.prototype;
  let asked;
  if (FAULT_SKIP) {
    const [from, to] = FAULT_SKIP.split('..').map(Number);
    Trainer.prototype.apply = function (step) {
      asked ??= Number(process.env.FAULT_RATE);
      if (step + 1 < from || step + 1 > to || this.config.lr !== asked) return apply.call(this, step);
      this.discard();
      return { gradNorm: Number.NaN, lr: this.learningRate(step), skipped: true };
    };
  }
  if (FAULT_OOM)
    Trainer.prototype.accumulate = function (batch, uniform, parts = 1, next) {
      if (batch.labels.length / parts <= Number(FAULT_OOM)) return accumulate.call(this, batch, uniform, parts, next);
      throw new Error('RESOURCE_EXHAUSTED: OOM when allocating tensor');
    };
}

if (FAULT_RECORD) {
  const { RecordedGraph } = await import('../../../dist/model/engine/recording/recordedGraph.js');
  const { RecordingError } = await import('../../../dist/model/engine/recording/recordingError.js');
  const { add } = RecordedGraph.prototype;
  RecordedGraph.prototype.add = function (type, ...rest) {
    if (type === FAULT_RECORD) throw new RecordingError(`the operation ${type} is made to fail`);
    return add.call(this, type, ...rest);
  };
}

if (FAULT_FLAGS) {
  const real = syncFs.readFileSync;
  syncFs.readFileSync = (path, ...rest) => {
    const content = real(path, ...rest);
    return path === '/proc/cpuinfo' ? content.replaceAll(/^(flags\s*:.*)$/gm, `$1 ${FAULT_FLAGS}`) : content;
  };
  syncBuiltinESMExports();
}

if (FAULT_FULL || FAULT_KILL) {
  const path = new RegExp(FAULT_PATH ?? '.');
  const full = () => FAULT_FULL !== undefined && existsSync(FAULT_FULL);
  let calls = 0;
  const before = (name, writes = false) => {
    if (!path.test(name)) return;
    if (FAULT_KILL && ++calls === Number(FAULT_KILL)) process.kill(process.pid, 'SIGKILL');
    if (writes && full())
      throw Object.assign(new Error(`ENOSPC: no space left on device, write '${name}'`), { code: 'ENOSPC' });
  };
  for (const name of ['open', 'rename', 'link', 'rm', 'mkdir', 'readdir']) {
    const real = fs[name];
    fs[name] = async (...args) => {
      before(String(args[0]));
      const result = await real(...args);
      if (name !== 'open') return result;
      for (const method of ['writeFile', 'appendFile', 'sync', 'datasync']) {
        const own = result[method].bind(result);
        result[method] = async (...given) => {
          before(String(args[0]), method === 'writeFile' || method === 'appendFile');
          return own(...given);
        };
      }
      return result;
    };
  }
  syncBuiltinESMExports();
}
