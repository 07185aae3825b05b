import { Observable } from 'rxjs';
import type { Credits } from './credits.js';

/**
 * Turns an iterable into a stream that takes the next item only against a credit. This is the one place where a flow is
 * held back: RxJS operators downstream buffer without limit, but never hold more than `credits.capacity` items,
 * because no more are let in until `consume` (or any other last station) gives credits back.
 *
 * A synchronous iterable emits synchronously while credits last. Unsubscribing calls the iterator's `return()`, so the
 * `finally` of a generator runs; what `return()` throws then is ignored, since nobody is left to hear it.
 *
 * @example
 * const credits = new Credits(8);
 * pull(readRows(file), credits).pipe(orderedMap(resize, { concurrency: 2 }), consume(store, { credits }));
 */
export function pull<T>(source: Iterable<T> | AsyncIterable<T>, credits: Credits): Observable<T> {
  return new Observable<T>((subscriber) => {
    const asynchronous = (source as Partial<AsyncIterable<T>>)[Symbol.asyncIterator];
    const iterator = asynchronous?.call(source) ?? (source as Iterable<T>)[Symbol.iterator]();
    let finished = false; // the iterator ended or threw by itself: return() must not be called
    let inNext = false; // a synchronous generator cannot be returned while it runs
    let looping = false;
    let granted = false;
    let withdraw: () => void = () => {};

    const release = () => {
      if (finished || inNext) return;
      finished = true;
      try {
        Promise.resolve(iterator.return?.()).catch(() => {});
      } catch {
        // see above: nobody is left to hear it
      }
    };
    const fail = (error: unknown) => {
      finished = true;
      credits.give();
      subscriber.error(error);
    };
    const settle = (step: IteratorResult<T>) => {
      if (step.done) finished = true;
      if (step.done || subscriber.closed) {
        credits.give();
        subscriber.complete();
      } else {
        subscriber.next(step.value);
      }
    };
    const ask = () => {
      if (subscriber.closed) return;
      let asking = true; // a grant during the request must not start the loop before `withdraw` is known
      withdraw = credits.request(1, () => {
        granted = true;
        if (!asking) loop();
      });
      asking = false;
      if (granted && !looping) loop();
    };
    // A loop, not recursion: a consumer that gives credits back synchronously must not grow the stack.
    const loop = () => {
      looping = true;
      while (granted) {
        granted = false;
        let step: IteratorResult<T> | Promise<IteratorResult<T>>;
        try {
          inNext = true;
          step = iterator.next();
        } catch (error) {
          fail(error);
          break;
        } finally {
          inNext = false;
        }
        if (asynchronous) {
          Promise.resolve(step).then((result) => {
            settle(result);
            ask();
          }, fail);
        } else {
          settle(step as IteratorResult<T>);
          if (subscriber.closed) release();
          ask();
        }
      }
      looping = false;
    };

    subscriber.add(() => {
      withdraw();
      release();
    });
    ask();
  });
}
