import { type MonoTypeOperatorFunction, tap } from 'rxjs';

/**
 * How many items of a source a flow is done with: the number to store in a checkpoint, and to go on from later. It is
 * exact because flows keep order: what is counted is always a first part of the source, however many items were read
 * ahead of it.
 *
 * @example
 * const position = new FlowPosition(saved.position);
 * pull(position.remaining(files), credits).pipe(
 *   batch(8),
 *   consume(train, { credits, cost: (files) => files.length }),
 *   position.count(({ files }) => files.length), // behind the last station: what was consumed
 *   checkpointSink({ due, save: () => write({ position: position.consumed }) }),
 * )
 *
 * @throws RangeError if the count to begin with is not a whole number of at least 0.
 */
export class FlowPosition {
  #consumed: number;

  constructor(consumed = 0) {
    this.#consumed = wholeNumber('consumed', consumed);
  }

  /** Items done with, those of earlier runs included. */
  get consumed(): number {
    return this.#consumed;
  }

  /** The source without what was consumed before; it must be the same source in the same order. */
  remaining<T>(source: Iterable<T>): Iterable<T>;
  remaining<T>(source: AsyncIterable<T>): AsyncIterable<T>;
  remaining<T>(source: Iterable<T> | AsyncIterable<T>): Iterable<T> | AsyncIterable<T> {
    const skip = this.#consumed;
    return Symbol.asyncIterator in source ? withoutFirstAsync(source, skip) : withoutFirst(source, skip);
  }

  /** Passes values on and counts the items each stands for, before whoever is downstream sees it. */
  count<T>(items: (value: T) => number = () => 1): MonoTypeOperatorFunction<T> {
    return tap((value) => {
      this.#consumed += wholeNumber('items', items(value));
    });
  }
}

function* withoutFirst<T>(source: Iterable<T>, skip: number): Generator<T> {
  let seen = 0;
  for (const item of source) if (seen++ >= skip) yield item;
}

async function* withoutFirstAsync<T>(source: AsyncIterable<T>, skip: number): AsyncGenerator<T> {
  let seen = 0;
  for await (const item of source) if (seen++ >= skip) yield item;
}

function wholeNumber(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`Expected a whole number of at least 0 for ${name} but received ${String(value)}`);
  return value;
}
