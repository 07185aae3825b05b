import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verdictPage } from '../../../pipeline/detection/verdictPage.js';
import { dataTable } from '../../../pipeline/report/dataTable.js';
import { htmlPage } from '../../../pipeline/report/htmlPage.js';
import { readRunRecord } from '../../../pipeline/runReport/runRecord.js';
import { runReportPage } from '../../../pipeline/runReport/runReportPage.js';
import { writeRunReport } from '../../../pipeline/runReport/writeRunReport.js';
import { ReportServer } from '../../../pipeline/watch/reportServer.js';
import { writtenVerdict } from '../detection/writtenVerdict.js';
import { HOSTILE, writeRun } from '../runReport/writtenRun.js';
import { chromiumProgram, noChromium } from './chromium.js';

/* The pages as a browser shows them. */

const WIDE = { width: 1180, height: 900 };
const NARROW = { width: 390, height: 800 };

let folder: string;
let run: string;
let browser: Browser | undefined;
beforeAll(async () => {
  if (noChromium) return;
  folder = await mkdtemp(join(tmpdir(), 'stf-pages-'));
  run = join(folder, 'run');
  await writeRun(run, {
    ...{ steps: 200, stopReason: 'finished', samples: [1, 2, 4], evaluated: true },
    quarantined: [HOSTILE],
  });
  await writeRunReport(run);
  const { result, strips } = await writtenVerdict(HOSTILE);
  await writeFile(join(run, 'verdict.html'), verdictPage(result, strips));
  // Tests run as root in containers, where Chromium's own sandbox cannot be set up.
  browser = await chromium.launch({ executablePath: chromiumProgram!, args: ['--no-sandbox'] });
});
afterAll(async () => {
  await browser?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** Opens a page and notes all that a reader should never meet. */
async function opened(url: string, options: BrowserContextOptions) {
  const context = await browser!.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  // The page itself ends the stream of events when the run has ended.
  page.on('requestfailed', (request) => {
    if (!request.url().includes('/events?')) complaints.push(`${request.url()} failed`);
  });
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, complaints, requests, close: () => context.close() };
}

/** Charts that draw nothing, or whose marks lie outside of them. */
const emptyCharts = (page: Page): Promise<string[]> =>
  page.locator('figure.chart svg[role=img]').evaluateAll((charts) =>
    charts
      .filter((chart) => {
        const frame = chart.getBoundingClientRect();
        const marks = [...chart.querySelectorAll('g path, g circle, g rect, g line')].map((mark) =>
          mark.getBoundingClientRect(),
        );
        const inside = marks.every(
          (mark) =>
            mark.left >= frame.left - 3 &&
            mark.right <= frame.right + 3 &&
            mark.top >= frame.top - 3 &&
            mark.bottom <= frame.bottom + 3,
        );
        return frame.width < 100 || marks.length === 0 || !inside;
      })
      .map((chart) => chart.getAttribute('aria-label') ?? '?'),
  );

describe.skipIf(noChromium)(`pages in a browser${noChromium ? ` (${noChromium})` : ''}`, () => {
  it.each([
    ['report.html', 'light', WIDE, 15, Array(3).fill([556, 300])],
    ['report.html', 'dark', NARROW, 15, Array(3).fill([556, 300])],
    ['evaluation-test/evaluation.html', 'light', WIDE, 4, []],
    ['evaluation-test/evaluation.html', 'dark', NARROW, 4, []],
    ['verdict.html', 'light', WIDE, 2, Array(4).fill([512, 128])],
    ['verdict.html', 'dark', NARROW, 2, Array(4).fill([512, 128])],
  ] as const)(
    '%s, %s, %o: charts to be seen, nothing loaded, names as text',
    async (name, colorScheme, viewport, least, shown) => {
      const url = pathToFileURL(join(run, name)).href;
      const { page, complaints, requests, close } = await opened(url, { colorScheme, viewport });
      expect(await page.locator('figure.chart svg[role=img]').count()).toBeGreaterThanOrEqual(least);
      expect(await emptyCharts(page)).toEqual([]);
      expect(await page.getByText(HOSTILE).count()).toBeGreaterThan(0);
      expect(await page.title()).not.toContain('owned');
      const pictures = await page
        .locator('img')
        .evaluateAll((images) =>
          (images as HTMLImageElement[]).map((image) => [image.naturalWidth, image.naturalHeight]),
        );
      expect(pictures).toEqual(shown);
      // No page scrolls sideways; wide tables do so by themselves.
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width);
      const [ink, paper] = await page.evaluate(() => {
        const { color, backgroundColor } = getComputedStyle(document.body);
        return [color, backgroundColor].map((text) => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number));
      });
      const light = (channels: number[] | undefined) => channels!.reduce((sum, value) => sum + value, 0) / 3;
      expect(Math.abs(light(ink) - light(paper))).toBeGreaterThan(150);
      expect(light(paper) > 128).toBe(colorScheme === 'light');
      expect(complaints).toEqual([]);
      expect(requests.filter((request) => !request.startsWith('data:'))).toEqual([url]);
      await close();
    },
  );

  it('leaves the first column of a wide table room for names', async () => {
    const { page, close } = await opened('about:blank', { viewport: NARROW });
    const numbers = ['one', 'two', 'three'].map((name) => ({
      name,
      numeric: true,
      cell: () => '0.1476 ± 0.0909 (20)',
    }));
    const table = dataTable(['DeepFaceLive-DFM (face swap)'], [{ name: 'fakes', cell: (name) => name }, ...numbers]);
    await page.setContent(htmlPage({ title: 'names', sections: [{ id: 'table', title: 'table', content: table }] }));
    const widths = await page.locator('td').evaluateAll((cells) => cells.map((cell) => cell.clientWidth));
    expect(widths[0]).toBeGreaterThan(120);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(NARROW.width);
    await close();
  });

  it('follows a run that is watched, stays where the reader is, and says when it has ended', async () => {
    let step = 0;
    const server = await ReportServer.start(0, async () =>
      runReportPage(await readRunRecord(run, { steps: ++step, planned_steps: 1000 + step })),
    );
    const { origin } = new URL(server.url);
    const { page, complaints, requests, close } = await opened(server.url, { viewport: WIDE });
    await page.getByText('of 1,001').waitFor();
    await page.locator('summary', { hasText: 'training' }).click();
    await page.evaluate(() => scrollTo(0, 700));
    // The reader must be listening before there is news.
    await expect.poll(() => requests.some((request) => request.includes('/events'))).toBe(true);
    const news = setInterval(() => server.moved(), 100);
    await page.getByText('of 1,002').waitFor();
    clearInterval(news);
    expect(await page.evaluate(() => scrollY)).toBe(700);
    expect(await page.locator('details[open] > summary').allTextContents()).toEqual(['training']);
    await server.close();
    await page.getByText('The run has ended and this page is not updated any more').waitFor();
    expect(complaints).toEqual([]);
    expect(requests.every((request) => request.startsWith('data:') || request.startsWith(origin))).toBe(true);
    await close();
  });
});
