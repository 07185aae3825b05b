/** Text that is HTML (or SVG inside it) already; everything else is escaped before it gets in. */
export class Markup {
  constructor(readonly text: string) {}
}

export type HtmlValue = Markup | string | number | null | undefined | false | readonly HtmlValue[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A template of HTML: values are escaped for text and for quoted attributes, markup made by this function is taken as
 * it is, lists are joined, null, undefined and false are left out. Attributes have to stand in quotes.
 *
 * @example
 * html`<td title="${id}">${id}</td>`
 */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): Markup {
  return new Markup(parts.reduce((text, part, at) => text + render(values[at - 1]) + part));
}

function render(value: HtmlValue): string {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(render).join('');
  if (value === null || value === undefined || value === false) return '';
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
