// Draws the curves of docs/results.md from runs' folders, with a Chromium that is on the machine:
//
//     npm run build && node docs/scripts/drawCurves.js docs/images/results-curves.png NAME=RUN…
//
// Over the pairs that a run has seen: cross-entropy on what it trains on and on validation, and validation's AUC.

import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { htmlPage } from '../../dist/pipeline/report/htmlPage.js';
import { lineChart } from '../../dist/pipeline/report/lineChart.js';
import { PALETTE } from '../../dist/pipeline/report/palette.js';
import { movingAverage } from '../../dist/pipeline/runReport/smoothedSeries.js';

const SMOOTHED_OVER = 25; // optimiser steps
const [out, ...named] = process.argv.slice(2);
if (!out || named.length === 0) throw new Error('usage: node docs/scripts/drawCurves.js OUT.png NAME=RUN…');

const runs = await Promise.all(
  named.map(async (argument, index) => {
    const [name, folder] = argument.split('=');
    const { config } = JSON.parse(await readFile(`${folder}/config.json`, 'utf8'));
    const rows = (await readFile(`${folder}/metrics.jsonl`, 'utf8')).trim().split('\n').map(JSON.parse);
    const pairs = (step) => (step * config.data.batch_size * (config.training.grad_accum ?? 1)) / 2;
    const curve = (kind, key) =>
      rows.filter((row) => row.kind === kind && key in row).map((row) => [pairs(row.step), row[key]]);
    return { name, colour: PALETTE[index % PALETTE.length], curve };
  }),
);

const xLabel = 'pairs of clips seen';
const charts = [
  lineChart({
    title: 'Cross-entropy: training, and validation (dashed)',
    xLabel,
    yLabel: 'nats',
    series: runs.flatMap(({ name, colour, curve }) => [
      { name, colour, points: movingAverage(curve(undefined, 'ce'), SMOOTHED_OVER).slice(SMOOTHED_OVER) },
      { name: `${name}, validation`, colour, dash: '6 3', points: curve('val', 'nll_uncalibrated') },
    ]),
  }),
  lineChart({
    title: 'AUC on validation pairs',
    xLabel,
    yLabel: 'AUC',
    series: runs.map(({ name, colour, curve }) => ({ name, colour, points: curve('val', 'auc') })),
  }),
].map(({ text }) => text);

// The page of reports, for its style.
const [head] = htmlPage({ title: '', sections: [] }).split('<body>');
const page = `${head}<body><div class="charts even">${charts.join('')}</div></body></html>`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const view = await browser.newPage({ viewport: { width: 1080, height: 400 }, deviceScaleFactor: 1.5 });
await view.setContent(page);
await view.locator('.charts').screenshot({ path: out });
await browser.close();
