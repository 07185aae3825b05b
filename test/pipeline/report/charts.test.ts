import { describe, expect, it } from 'vitest';
import { confusionMatrix } from '../../../pipeline/report/confusionMatrix.js';
import { dataTable } from '../../../pipeline/report/dataTable.js';
import { histogramChart } from '../../../pipeline/report/histogramChart.js';
import { html } from '../../../pipeline/report/html.js';
import { htmlPage } from '../../../pipeline/report/htmlPage.js';
import { intervalChart } from '../../../pipeline/report/intervalChart.js';
import { lineChart } from '../../../pipeline/report/lineChart.js';
import { rocChart } from '../../../pipeline/report/rocChart.js';
import { spreadChart } from '../../../pipeline/report/spreadChart.js';
import { type Point, thinPoints } from '../../../pipeline/report/thinPoints.js';
import { timelineChart } from '../../../pipeline/report/timelineChart.js';
import { elements, pathPoints, readMarkup, textOf } from './markupTree.js';

const HOSTILE = `"><script>alert('1')</script>&<img src=x onerror="y">`;
const number = (text: string | undefined) => Number(text);

describe('html', () => {
  it('escapes text and attributes, keeps markup, joins lists, leaves out nothing-values', () => {
    expect(html`<p title="${HOSTILE}">${HOSTILE}</p>`.text).toBe(
      '<p title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&lt;img src=x onerror=&quot;y&quot;&gt;">&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&lt;img src=x onerror=&quot;y&quot;&gt;</p>',
    );
    expect(html`${[html`<b>${1}</b>`, '<', null]}${undefined}${false}${0}`.text).toBe('<b>1</b>&lt;0');
  });
});

describe('thinPoints', () => {
  it('keeps short lines as they are, and of long ones every spike, the ends and the breaks', () => {
    const short: Point[] = Array.from({ length: 100 }, (_, i) => [i, i]);
    expect(thinPoints(short, 50)).toEqual(short);
    const long: Point[] = Array.from({ length: 100_000 }, (_, i) => [i, Math.sin(i / 5000)]);
    long[31_415] = [31_415, 99];
    long[70_001] = [70_001, -99];
    long[50_000] = [50_000, Number.NaN];
    const thin = thinPoints(long, 400);
    expect(thin.length).toBeLessThanOrEqual(400 * 5);
    for (const i of [0, 31_415, 70_001, 99_999]) expect(thin).toContain(long[i]);
    expect(thin.some(([x, y]) => x === 50_000 && Number.isNaN(y))).toBe(true);
    expect(thin.map(([x]) => x)).toEqual([...thin.map(([x]) => x)].sort((a, b) => a - b));
    // Nowhere does the thinned line leave the band that the full one covers in that column.
    const column = (x: number) => Math.min(399, Math.floor((x / 99_999) * 400));
    for (const c of [0, 125, 200, 399]) {
      const full = long.filter(([x, y]) => column(x) === c && Number.isFinite(y)).map(([, y]) => y);
      const kept = thin.filter(([x, y]) => column(x) === c && Number.isFinite(y)).map(([, y]) => y);
      expect([Math.min(...kept), Math.max(...kept)]).toEqual([Math.min(...full), Math.max(...full)]);
    }
  });
});

describe('lineChart', () => {
  const frame = { title: 'Loss', xLabel: 'step', yLabel: 'loss' };

  it('draws values at their places: linear in x and y, upward, broken where there is none', () => {
    const points: Point[] = [
      [0, 0],
      [5, 1],
      [6, Number.NaN],
      [8, 0.5],
      [10, 1],
    ];
    const chart = lineChart({ ...frame, xDomain: [0, 10], yDomain: [0, 1], series: [{ name: 'a', points }] });
    const [path] = elements(readMarkup(chart.text), 'path');
    const [first, second] = pathPoints(path!);
    expect([first!.length, second!.length]).toEqual([2, 2]);
    const [[x0, y0], [x5, y1]] = first as [[number, number], [number, number]];
    const [[x8, yHalf], [x10]] = second as [[number, number], [number, number]];
    expect((x5 - x0) / (x10 - x0)).toBeCloseTo(0.5, 2);
    expect((x8 - x0) / (x10 - x0)).toBeCloseTo(0.8, 2);
    expect(y1).toBeLessThan(y0);
    expect((yHalf - y0) / (y1 - y0)).toBeCloseTo(0.5, 2);
  });

  it('has evenly spaced powers on a logarithmic axis and leaves out what has no logarithm', () => {
    const points: Point[] = [1e-4, 1e-3, 1e-2, 0].map((y, x) => [x, y]);
    const chart = lineChart({ ...frame, logarithmic: true, series: [{ name: 'lr', points }] });
    const [[a, b, c]] = pathPoints(elements(readMarkup(chart.text), 'path')[0]!) as [[number, number][]];
    expect(a![1] - b![1]).toBeCloseTo(b![1] - c![1], 0);
  });

  it('has ticks at whole numbers alone where x counts something', () => {
    const ticks = (points: Point[], more: object) =>
      elements(
        readMarkup(lineChart({ ...frame, yDomain: [100, 200], ...more, series: [{ name: 'a', points }] }).text),
        'text',
      )
        .map(textOf)
        .filter((text) => /^[\d.]+$/.test(text) && Number(text) < 100);
    expect(ticks([[1, 150]], {})).toContain('0.6');
    expect(ticks([[1, 150]], { xWhole: true })).toEqual(['1']);
    expect(
      ticks(
        [
          [1, 150],
          [3, 150],
        ],
        { xWhole: true },
      ),
    ).toEqual(['1', '2', '3']);
    expect(
      ticks(
        [
          [1, 150],
          [60, 150],
        ],
        { xWhole: true },
      ),
    ).toEqual(['10', '20', '30', '40', '50', '60']);
  });

  it('says so when there is nothing to draw, and draws a single value and equal ones', () => {
    expect(lineChart({ ...frame, series: [{ name: 'a', points: [[1, Number.NaN]] }] }).text).toContain('No values');
    const single = readMarkup(lineChart({ ...frame, series: [{ name: 'a', points: [[3, 2]] }] }).text);
    expect(elements(single, 'circle')).toHaveLength(1);
    const gap: Point[] = [
      [0, 1],
      [1, Number.NaN],
      [2, 3],
      [3, 4],
      [4, Number.NaN],
      [5, 2],
    ];
    const broken = readMarkup(lineChart({ ...frame, series: [{ name: 'a', points: gap }] }).text);
    expect(elements(broken, 'circle')).toHaveLength(2); // what no line goes to or from would not be seen
    expect(elements(broken, 'path')).toHaveLength(1);
    const flat = lineChart({
      ...frame,
      series: [
        {
          name: 'a',
          points: [
            [0, 0],
            [1, 0],
          ],
        },
      ],
    }).text;
    expect(flat).not.toContain('NaN');
  });
});

describe('other charts', () => {
  it('rocChart: the curve goes through the corners of the unit square', () => {
    const corners = [
      { fpr: 0, tpr: 0 },
      { fpr: 0, tpr: 1 },
      { fpr: 1, tpr: 1 },
    ];
    const [curve, chance] = elements(readMarkup(rocChart('ROC', [{ name: 'all', corners }]).text), 'path');
    const [[low, corner, high]] = pathPoints(curve!) as [[[number, number], [number, number], [number, number]]];
    expect([corner[0], corner[1]]).toEqual([low[0], high[1]]);
    expect(pathPoints(chance!)[0]).toEqual([low, high]);
  });

  it('histogramChart: bars are shares of their group and lie where the values are', () => {
    const chart = histogramChart({
      title: 'h',
      xLabel: 'x',
      domain: [0, 1],
      bins: 10,
      groups: [
        { name: 'a', colour: 'red', values: [0.05, 0.05, 0.95, 1] },
        { name: 'b', colour: 'blue', values: [0.05] },
      ],
    });
    const bars = elements(readMarkup(chart.text), 'rect');
    expect(bars.map(textOf)).toEqual(['a: 2 from 0.00 to 0.100', 'a: 2 from 0.900 to 1.00', 'b: 1 from 0.00 to 0.100']);
    const [a, , b] = bars.map(({ attributes }) => number(attributes.height));
    expect(a! / b!).toBeCloseTo(0.5, 2);
  });

  it('intervalChart and spreadChart: marks in the order of their values', () => {
    const intervals = intervalChart({
      title: 'i',
      xLabel: 'AUC',
      domain: [0, 1],
      rows: [
        { name: 'a', value: 0.5, interval: { low: 0.25, high: 0.75 } },
        { name: 'b', value: null, interval: null },
      ],
    });
    const tree = readMarkup(intervals.text);
    const [dot, ...more] = elements(tree, 'circle');
    expect(more).toEqual([]);
    const line = elements(tree, 'line').find(({ attributes }) => attributes['stroke-width'] === '2')!.attributes;
    expect((number(line.x1) + number(line.x2)) / 2).toBeCloseTo(number(dot!.attributes.cx), 0);
    const box = readMarkup(
      spreadChart({
        title: 's',
        xLabel: 'r',
        rows: [
          { name: 'a', colour: 'red', quartiles: [0, 1, 2, 3, 4], mean: 2 },
          { name: 'b', colour: 'red', quartiles: null, mean: null },
        ],
      }).text,
    );
    const [rect] = elements(box, 'rect');
    const middle = number(rect!.attributes.x) + number(rect!.attributes.width) / 2;
    expect(middle).toBeCloseTo(number(elements(box, 'circle')[0]!.attributes.cx), 0);
  });

  it('confusionMatrix: counts and the shares of each true class', () => {
    const counts = { trueNegatives: 127, falsePositives: 13, falseNegatives: 497, truePositives: 63 };
    const cells = elements(readMarkup(confusionMatrix('c', counts).text), 'td').slice(1);
    expect(cells.map(textOf)).toEqual(['12790.7 %', '139.3 %', '49788.8 %', '6311.3 %']);
  });

  it('none lets a name become markup', () => {
    const pictures = [
      lineChart({
        title: HOSTILE,
        xLabel: HOSTILE,
        yLabel: HOSTILE,
        caption: HOSTILE,
        series: [0, 1].map(() => ({
          name: HOSTILE,
          points: [
            [0, 1],
            [1, 2],
          ] as const,
        })),
      }),
      histogramChart({
        title: HOSTILE,
        xLabel: HOSTILE,
        domain: [0, 1],
        groups: [{ name: HOSTILE, colour: 'red', values: [0.5] }],
        mark: { at: 0.5, name: HOSTILE },
      }),
      intervalChart({
        title: HOSTILE,
        xLabel: HOSTILE,
        domain: [0, 1],
        rows: [{ name: HOSTILE, value: 0.5, interval: null }],
      }),
      spreadChart({
        title: HOSTILE,
        xLabel: HOSTILE,
        rows: [{ name: HOSTILE, colour: 'red', quartiles: null, mean: null }],
      }),
      confusionMatrix(HOSTILE, { trueNegatives: 0, falsePositives: 0, falseNegatives: 0, truePositives: 0 }),
      dataTable([HOSTILE], [{ name: HOSTILE, title: HOSTILE, cell: (text) => text }]),
    ];
    const page = htmlPage({
      title: HOSTILE,
      lead: HOSTILE,
      sections: [{ id: 'a', title: HOSTILE, content: pictures }],
    });
    expect(page).not.toMatch(/<script|<img|onerror="y"/);
    const tree = readMarkup(page);
    expect(textOf(elements(tree, 'h1')[0]!)).toBe(HOSTILE);
    expect(textOf(elements(tree, 'td').at(-1)!)).toBe(HOSTILE);
  });
});

describe('htmlPage', () => {
  it('forbids itself to load or run anything', () => {
    const tree = readMarkup(htmlPage({ title: 't', sections: [] }));
    const policy = elements(tree, 'meta').find(({ attributes }) => attributes['http-equiv'])!.attributes.content;
    expect(policy).toBe("default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  });
});

describe('timelineChart', () => {
  it('draws every stretch in its seconds at the height of its value, short ones wide enough to be seen', () => {
    const parts = [
      { name: HOSTILE, value: 0.25, stretches: [{ from: 0, to: 50 }] },
      {
        name: 'two',
        value: 1,
        stretches: [
          { from: 50, to: 50.01 },
          { from: 99.99, to: 100 },
        ],
      },
    ];
    const mean = { value: 0.5, interval: { low: 0.25, high: 0.75 } };
    const tree = readMarkup(timelineChart({ title: 'T', yLabel: 'p', seconds: 100, parts, mean }).text);
    const [band, first, second, third] = elements(tree, 'rect').map(({ attributes }) => ({
      x: number(attributes.x),
      y: number(attributes.y),
      width: number(attributes.width),
      height: number(attributes.height),
    }));
    // The plot: 600 x 220 less 66 on the left, 14 on the right, 10 above and 42 below.
    const [left, wide, top, high] = [66, 520, 10, 168];
    expect(band).toEqual({ x: left, width: wide, y: top + high / 4, height: high / 2 });
    expect(first).toEqual({ x: left, width: wide / 2, y: top + 0.75 * high - 3, height: 6 });
    expect(second!.x + second!.width / 2).toBeCloseTo(left + wide / 2, 0);
    expect(third!.x + third!.width).toBeCloseTo(left + wide, 1);
    expect([second!.width, third!.width, second!.y]).toEqual([5, 5, top - 3]);
    expect(textOf(tree)).toContain(HOSTILE);
  });
});
