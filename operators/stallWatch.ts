import { defer, finalize, ignoreElements, interval, merge, type OperatorFunction, Subject, takeUntil, tap } from 'rxjs';
import { type Clock, monotonicClock } from './clock.js';

export type StallWatchOptions = {
  /** Told once when the station has stood idle for so long. */
  noticeMs: number;
  onStall?: (idleMs: number) => void;
  /** Told when work arrives after that. */
  onResume?: (idleMs: number) => void;
  /** The stream errors with a StreamStalledError after so long. Default: never. */
  limitMs?: number;
  /** How often to look. Default 1 s. */
  everyMs?: number;
  clock?: Clock;
};

/** Nothing arrived for too long. */
export class StreamStalledError extends Error {
  override readonly name = 'StreamStalledError';
  constructor(readonly idleMs: number) {
    super(`nothing arrived for ${Math.round(idleMs / 1000)} s`);
  }
}

/**
 * Wraps the last station of a flow and notices when it stands idle because nothing arrives. A station that is busy, or
 * whose result is being worked on downstream, is not idle, however long that takes: `rxjs.timeout` cannot tell the two
 * apart in a flow that is pulled.
 *
 * @example
 * batches.pipe(stallWatch(consume(train, { credits }), { noticeMs: 60_000, onStall: () => warn('waiting for data') }))
 *
 * @throws StreamStalledError (as the stream's error).
 */
export function stallWatch<T, R>(
  station: OperatorFunction<T, R>,
  {
    noticeMs,
    onStall,
    onResume,
    limitMs = Number.POSITIVE_INFINITY,
    everyMs = 1000,
    clock = monotonicClock,
  }: StallWatchOptions,
): OperatorFunction<T, R> {
  return (source) =>
    defer(() => {
      let inside = 0;
      let idleSince: number | undefined = clock();
      let told = false;
      const ended = new Subject<void>();
      const worked = source.pipe(
        tap({
          next: () => {
            inside++;
            if (told && idleSince !== undefined) onResume?.(clock() - idleSince);
            told = false;
            idleSince = undefined;
          },
          // What is inside is still worked on, but nothing more is waited for.
          complete: () => ended.next(),
        }),
        station,
        tap(() => {
          inside--;
          if (inside === 0) idleSince = clock();
        }),
        finalize(() => ended.next()),
      );
      const watch = interval(everyMs).pipe(
        tap(() => {
          if (idleSince === undefined) return;
          const idle = clock() - idleSince;
          if (idle >= limitMs) throw new StreamStalledError(idle);
          if (idle < noticeMs || told) return;
          told = true;
          onStall?.(idle);
        }),
        ignoreElements(),
        takeUntil(ended),
      );
      return merge(watch, worked);
    });
}
