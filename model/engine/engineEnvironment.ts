/**
 * Sets what libtensorflow reads from the environment while it loads; call it before anything else loads the engine.
 *
 * TensorFlow reads these with C's getenv, and `process.env` of a worker thread is a copy that C does not see. So a
 * program whose engine runs in a worker calls this in its main thread before it starts the worker (or starts the worker
 * with `env: SHARE_ENV`). Values that the user set are left alone.
 *
 * @param threads size of TensorFlow's compute pool (intra-op); the default is the number of cores.
 */
export function setEngineEnvironment(threads?: number): void {
  // 2: errors only. At 0 every start prints a screen of notes on CPU features and missing GPU drivers.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // A GPU's memory is taken as it is needed, so that one can see what a run uses (not tried yet).
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  if (threads !== undefined) {
    if (!Number.isInteger(threads) || threads < 1) {
      throw new RangeError(`Expected a positive integer for threads but received ${threads} of type ${typeof threads}`);
    }
    process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  }
}
