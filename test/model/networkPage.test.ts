import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { networkPage } from '../../docs/networkPage.js';
import { startEngine } from '../../model/engine/startEngine.js';

beforeAll(async () => {
  await startEngine();
});

describe('the page about the network', () => {
  it('shows the network as it is; after a change `npm run docs:network` draws it anew', async () => {
    const page = networkPage();
    // Known from the shapes, and so independent of the drawing.
    for (const count of ['12 039 843', '18 598 216', '471 803', '2 272 480'])
      expect(page).toContain(`${count} parameters`);
    await expect(page).toMatchFileSnapshot(fileURLToPath(new URL('../../docs/network.md', import.meta.url)));
  }, 240_000);
});
