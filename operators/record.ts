import {
  concat,
  concatMap,
  defer,
  from,
  ignoreElements,
  last,
  type MonoTypeOperatorFunction,
  map,
  type ObservableInput,
  of,
} from 'rxjs';
import type { RecordingDraft } from './recordingFile.js';

/** Where recordings go: a `Recorder`, or whatever else can promise the same. */
export type RecordingSink = {
  /** Why nothing is recorded any more, if so. */
  readonly stopped: string | undefined;
  /** Ends when the bytes may be moved or overwritten. */
  write(name: string, recording: RecordingDraft): ObservableInput<unknown>;
  /** Ends when everything written is safe. */
  flush(): ObservableInput<unknown>;
};

/**
 * Writes some of the values that pass into files, one each, and passes all of them on unchanged and in order. A value is
 * passed on when the system has taken its bytes, so whoever gets it may move or overwrite them. The flow is held back
 * only by as much as the recorder's `pending` recordings are behind with reaching the disk; a recorder that has
 * stopped costs nothing. Completion is passed on when everything is on the disk. Closing the recorder is the caller's.
 *
 * @param describe names the file and says what to write; undefined: this value is not recorded
 *
 * @example
 * batches.pipe(
 *   record(recorder, ({ step, clips }) => ({ name: `step-${step}.msgpack`, header: { step }, parts: [{ name: 'clips', bytes: clips }] })),
 * )
 */
export function record<T>(
  recorder: RecordingSink,
  describe: (value: T) => (RecordingDraft & { name: string }) | undefined,
): MonoTypeOperatorFunction<T> {
  const written = (value: T): ObservableInput<T> => {
    const recording = recorder.stopped === undefined ? describe(value) : undefined;
    if (!recording) return of(value);
    return from(recorder.write(recording.name, recording)).pipe(
      last(undefined, undefined),
      map(() => value),
    );
  };
  return (source) =>
    concat(
      source.pipe(concatMap(written)),
      defer(() => from(recorder.flush()).pipe(ignoreElements())),
    );
}
