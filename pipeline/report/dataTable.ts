import { type HtmlValue, html, type Markup } from './html.js';

export type Column<Row> = {
  name: string;
  /** What the column means, shown under the pointer. */
  title?: string;
  cell: (row: Row) => HtmlValue;
  /** Numbers are set flush right. */
  numeric?: boolean;
};

/** A table with a row for each item. */
export function dataTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Markup {
  const side = (numeric?: boolean) => (numeric ? 'number' : 'text');
  const heading = ({ name, title, numeric }: Column<Row>) =>
    html`<th scope="col" class="${side(numeric)}" title="${title ?? ''}">${name}</th>`;
  const line = (row: Row) =>
    html`<tr>${columns.map(({ cell, numeric }) => html`<td class="${side(numeric)}">${cell(row)}</td>`)}</tr>\n`;
  return html`<div class="scroll"><table class="data"><thead><tr>${columns.map(heading)}</tr></thead><tbody>
${rows.map(line)}</tbody></table></div>
`;
}
