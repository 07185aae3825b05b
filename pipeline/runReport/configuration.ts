import { dataTable } from '../report/dataTable.js';
import { type HtmlValue, html } from '../report/html.js';
import { shellWord } from '../shellWord.js';
import { valueAt } from './rowValues.js';
import type { Row, RunRecord } from './runRecord.js';

/** What config.json says: how the run was begun, with which settings and versions. */
export function configuration({ config }: RunRecord): HtmlValue {
  const { config: sections, command, dependencies, ...rest } = config;
  const facts = flattened(rest);
  return html`${
    Array.isArray(command) &&
    html`<p>Begun with</p><pre>node pipeline/train.js ${command.map((word) => shellWord(String(word))).join(' ')}</pre>`
  }${table(facts)}
${Object.entries((sections ?? {}) as Row).map(
  ([name, settings]) => html`<details><summary>${name}</summary>${table(flattened(settings))}</details>`,
)}
<details><summary>versions of libraries</summary>${table(flattened(dependencies))}</details>`;
}

const table = (rows: [string, string][]): HtmlValue =>
  dataTable(rows, [
    { name: 'setting', cell: ([name]) => name },
    { name: 'value', cell: ([, value]) => html`<bdi>${value}</bdi>` },
  ]);

/** Values by their dotted path; lists as JSON. */
function flattened(value: unknown, path = ''): [string, string][] {
  if (value === undefined) return [];
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.keys(value).flatMap((name) => flattened(valueAt(value, name), path === '' ? name : `${path}.${name}`));
}
