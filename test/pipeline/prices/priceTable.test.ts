import { describe, expect, it } from 'vitest';
import { withGpuPrice } from '../../../pipeline/prices/gpuPrice.js';
import { parsePrices, priceOf, readPrices } from '../../../pipeline/prices/priceTable.js';

const table = parsePrices('RTX 4090: 0.39\nA100: 1.39\nA100 40GB: 0.99\nRTX 3090: 0.22\n', 'prices.yaml');

describe('priceOf', () => {
  it.each([
    ['4090', 0.39],
    ['RTX 4090', 0.39],
    ['rtx4090', 0.39],
    ['NVIDIA GeForce RTX 4090', 0.39],
    ['a100', 1.39],
    ['NVIDIA A100-SXM4-80GB', 1.39],
    ['NVIDIA A100-PCIE-40GB', 0.99], // the closer entry
    ['NVIDIA RTX A1000', undefined], // begins like an A100
    ['RTX', undefined], // two of them
    ['H100', undefined],
    ['', undefined],
  ])('%s', (gpu, usd) => expect(priceOf(table, gpu)?.usdPerHour).toBe(usd));
});

it('refuses an alias that nothing defines', () => {
  expect(() => parsePrices('A100: *x', 'prices.yaml')).toThrow(/^prices\.yaml: not valid YAML: .*alias/);
});

describe('the shipped table', () => {
  it('has the prices of the two machines that the configurations are for', async () => {
    const shipped = await readPrices();
    expect(priceOf(shipped, '4090')).toEqual({ gpu: 'RTX 4090', usdPerHour: 0.39 });
    expect(priceOf(shipped, 'A100')).toEqual({ gpu: 'A100', usdPerHour: 1.39 });
  });
});

describe('parsePrices', () => {
  it.each([
    ['- a', /prices\.yaml: expected lines/],
    ['A100: cheap', /expected USD per hour for "A100" but received "cheap"/],
    ['A100: -1', /expected USD per hour for "A100" but received -1/],
    ['a: [', /prices\.yaml: not valid YAML/],
  ])('refuses %j', (text, message) => expect(() => parsePrices(text, 'prices.yaml')).toThrow(message));
});

describe('withGpuPrice', () => {
  it('puts the price before the other settings, and lets the user set another', async () => {
    expect(await withGpuPrice({ gpu: '4090', set: ['training.lr=1'] }, table)).toEqual({
      gpu: '4090',
      set: ['training.cost_per_hour=0.39', 'training.lr=1'],
    });
    const own = { gpu: 'my own', set: ['training.cost_per_hour=2'] };
    expect(await withGpuPrice(own, table)).toEqual(own);
    expect(await withGpuPrice({ set: [] }, table)).toEqual({ set: [] });
  });
  it('refuses a GPU without a price, naming table and remedy', async () => {
    await expect(withGpuPrice({ gpu: 'H100', set: [] }, table)).rejects.toThrow(
      /no price for "H100" in .*prices\.yaml, which has RTX 4090, A100, .*add a line there/,
    );
  });
});
