import { type Observable, of } from 'rxjs';
import { expectTypeOf } from 'vitest';
import {
  type Attempted,
  attempt,
  type Budget,
  batch,
  budgetStop,
  Credits,
  consume,
  keep,
  orderedMap,
  pull,
  type Quarantined,
  retryThenQuarantine,
} from '../../operators/index.js';

/* Checked by the compiler (npm run lint), never run: public signatures infer what their users rely on. */

declare const budget: Budget;
const credits = new Credits(2);

expectTypeOf(pull(['a'], credits)).toEqualTypeOf<Observable<string>>();
expectTypeOf(
  pull(
    (async function* () {
      yield 1;
    })(),
    credits,
  ),
).toEqualTypeOf<Observable<number>>();
expectTypeOf(of(1).pipe(orderedMap(async (n) => String(n), { concurrency: 2 }))).toEqualTypeOf<Observable<string>>();
expectTypeOf(of(1).pipe(orderedMap((n) => of([n]), { concurrency: 2 }))).toEqualTypeOf<Observable<number[]>>();
expectTypeOf(of(1).pipe(batch(2))).toEqualTypeOf<Observable<number[]>>();
expectTypeOf(of(1).pipe(budgetStop(budget))).toEqualTypeOf<Observable<number>>();
expectTypeOf(of<string | undefined>('a').pipe(keep((value) => value !== undefined, credits))).toEqualTypeOf<
  Observable<string>
>();
expectTypeOf(
  of([1, 2]).pipe(consume(async (numbers) => numbers.length > 1, { credits, cost: (numbers) => numbers.length })),
).toEqualTypeOf<Observable<boolean>>();
expectTypeOf(attempt('item', async (item) => item.length)).resolves.toEqualTypeOf<Attempted<string, number>>();

const fill = retryThenQuarantine(
  (position: { ids: string[] }) => position.ids,
  async (id) => id.length,
);
expectTypeOf(fill).parameter(0).toEqualTypeOf<{ ids: string[] }>();
expectTypeOf(fill).returns.resolves.toEqualTypeOf<Quarantined<string, number>>();

// @ts-expect-error credits are what bounds a flow: there is no pull without them
pull(['a']);
// @ts-expect-error the number of tasks at once has no default
orderedMap(async (n: number) => n, {});
