const written = (amount: number, digits: Intl.NumberFormatOptions): string =>
  amount.toLocaleString('en-US', { style: 'currency', currency: 'USD', ...digits });

/** A computed amount of money: cents, and below ten cents the two digits that count, since a trial's money is that small. */
export const usd = (amount: number): string =>
  written(
    amount,
    amount > 0 && amount < 0.1
      ? { minimumSignificantDigits: 2, maximumSignificantDigits: 2 }
      : { minimumFractionDigits: 2, maximumFractionDigits: 2 },
  );

/** A price or a limit as somebody gave it, whatever its digits. */
export const usdGiven = (amount: number): string =>
  written(amount, { minimumFractionDigits: 2, maximumFractionDigits: 20 });

/** An amount on its way up: tenths of a cent, so that it is seen to move; of a limit, where there is one. */
export const usdCounted = (spent: number, limit?: number | null): string => {
  const counted = written(spent, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  return limit && Number.isFinite(limit) ? `${counted} of ${usdGiven(limit)}` : counted;
};
