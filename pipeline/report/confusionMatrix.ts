import { html, type Markup } from './html.js';

export type ConfusionCounts = {
  truePositives: number;
  falsePositives: number;
  trueNegatives: number;
  falseNegatives: number;
};

/** Counts of what was called what, the shares of each row behind them as shades. */
export function confusionMatrix(title: string, counts: ConfusionCounts): Markup {
  const row = (name: string, asReal: number, asFake: number, right: 'real' | 'fake') => {
    const whole = asReal + asFake;
    const cell = (count: number, called: 'real' | 'fake') => {
      const share = whole === 0 ? 0 : count / whole;
      const shade = `${called === right ? '0, 158, 115' : '213, 94, 0'}, ${(0.08 + 0.5 * share).toFixed(2)}`;
      return html`<td style="background: rgba(${shade})"><b>${count}</b><br/>${(100 * share).toFixed(1)} %</td>`;
    };
    return html`<tr><th scope="row">${name}</th>${cell(asReal, 'real')}${cell(asFake, 'fake')}</tr>`;
  };
  return html`<figure class="chart"><figcaption><b>${title}</b></figcaption>
<table class="confusion"><thead><tr><td></td><th scope="col">called real</th><th scope="col">called fake</th></tr></thead>
<tbody>${row('real', counts.trueNegatives, counts.falsePositives, 'real')}${row('fake', counts.falseNegatives, counts.truePositives, 'fake')}</tbody></table></figure>
`;
}
