import { type MonoTypeOperatorFunction, Observable, Subject, takeUntil } from 'rxjs';

export type CheckpointSinkOptions<T> = {
  /** Saves the state a value stands for. Never called while an earlier call is under way. */
  save: (value: T) => Promise<void>;
  /** When a save is due, e.g. `(step) => due(step.step + 1)` with `everySteps`. */
  due: (value: T) => boolean;
  /** Whether the last value is saved on completion even if it was not due. Default true. */
  saveLast?: boolean;
};

/**
 * Passes values on unchanged and saves some of them on the side, without holding the flow back. Saves never overlap: if
 * one becomes due during another it waits, and of several waiting only the latest is saved. Completion is passed on
 * when the last save is done. A failed save errors the stream. An error of the source, or unsubscribing, starts no new
 * save; one that is under way is left to finish, being atomic. So operators that stop a run belong upstream.
 *
 * @example
 * const due = everySteps({ steps: 200 });
 * steps.pipe(checkpointSink({ due: ({ step }) => due(step + 1), save: ({ step }) => trainer.save(step) }))
 */
export function checkpointSink<T>({
  save,
  due,
  saveLast = true,
}: CheckpointSinkOptions<T>): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable<T>((subscriber) => {
      let waiting: { value: T } | undefined;
      let unsaved: { value: T } | undefined;
      let saving = false;
      let completed = false;
      const gone = new Subject<void>();

      const proceed = () => {
        if (saving || subscriber.closed) return;
        if (completed && saveLast) waiting = unsaved;
        if (!waiting) {
          if (completed) subscriber.complete();
          return;
        }
        const { value } = waiting;
        if (unsaved === waiting) unsaved = undefined;
        waiting = undefined;
        saving = true;
        (async () => save(value))().then(
          () => {
            saving = false;
            proceed();
          },
          (error) => subscriber.error(error),
        );
      };

      subscriber.add(() => gone.next());
      source.pipe(takeUntil(gone)).subscribe({
        next: (value) => {
          unsaved = { value };
          if (due(value)) {
            waiting = unsaved;
            proceed();
          }
          subscriber.next(value);
        },
        error: (error) => subscriber.error(error),
        complete: () => {
          completed = true;
          proceed();
        },
      });
    });
}
