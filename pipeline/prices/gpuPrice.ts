import { UserError } from '../userError.js';
import { type PriceTable, priceOf, pricesFile, readPrices } from './priceTable.js';

const COST = 'training.cost_per_hour';

/**
 * The settings of a run with the price of `gpu` before them, so that one of them may still set another.
 * @throws UserError when the GPU has no price: money counted at a wrong one is worse than none.
 */
export async function withGpuPrice<O extends { gpu?: string; set: readonly string[] }>(
  options: O,
  table?: PriceTable,
): Promise<O & { set: string[] }> {
  const { gpu } = options;
  const set = [...options.set];
  if (gpu === undefined || set.some((text) => text.startsWith(`${COST}=`))) return { ...options, set };
  const prices = table ?? (await readPrices());
  const price = priceOf(prices, gpu);
  if (!price)
    throw new UserError(
      `--gpu: no price for "${gpu}" in ${pricesFile}, which has ${[...prices.keys()].join(', ') || 'none'}; add a line there, or give --set ${COST}=USD`,
    );
  return { ...options, set: [`${COST}=${price.usdPerHour}`, ...set] };
}
