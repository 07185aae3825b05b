import { type HtmlValue, html, Markup } from './html.js';

export type PageSection = { id: string; title: string; content: HtmlValue };

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --paper: #ffffff; --soft: #667; --line: #d5d9de; --note: #f2f4f7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --paper: #16181b; --soft: #a5acb5; --line: #3a4048; --note: #22262b; }
  /* The palette's darkest colour stands out on paper only. */
  svg [stroke="#0072b2"] { stroke: #3d9bd9; } svg [fill="#0072b2"] { fill: #3d9bd9; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1080px; margin: 0 auto; padding: 1rem 1.25rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); }
nav a { margin-right: 1rem; } a { color: inherit; }
.charts { display: flex; flex-wrap: wrap; gap: 1.2rem 2rem; align-items: flex-start; margin: 1rem 0; } .charts.even { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(480px, 100%), 1fr)); }
figure.chart { margin: 0; max-width: 100%; } figure svg { max-width: 100%; height: auto; }
svg text { font-size: 11px; fill: var(--ink); } svg text.label { fill: var(--soft); }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .mark { stroke: var(--soft); stroke-dasharray: 4 3; }
.legend > span { margin-right: 1rem; display: inline-block; max-width: 100%; } .legend, .caption { margin: .2rem 0; font-size: .87rem; max-width: 60ch; } .caption { color: var(--soft); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; } table.data td, table.data th { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere; }
table.data th { overflow-wrap: normal; white-space: nowrap; } table.data td:first-child { min-width: 9rem; } table.data .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
table.confusion td, table.confusion th { padding: .6rem 1rem; text-align: center; border: 1px solid var(--line); }
.note { background: var(--note); padding: .2rem 1rem; border-left: 4px solid var(--line); } .note.warn { border-left-color: #d55e00; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: .6rem; margin: 1rem 0; }
@media (max-width: 700px) { .tiles { grid-template-columns: repeat(2, 1fr); } }
.tiles div { background: var(--note); padding: .5rem .8rem; border-radius: 6px; font-size: .87rem; } .tiles b { display: block; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
.tiles small { display: block; overflow-wrap: anywhere; }
.sheets { display: flex; flex-wrap: wrap; gap: 1.2rem; } .sheets figure { margin: 0; } @media (min-width: 1000px) { .sheets figure.half { width: calc(50% - .6rem); } } .sheets img { display: block; max-width: 100%; height: auto; border-radius: 6px; border: 1px solid var(--line); }
h3 { font-size: 1.02rem; margin: 1.5rem 0 .4rem; } details { margin: .8rem 0; } summary { cursor: pointer; } p, li { max-width: 85ch; }
small, .soft { color: var(--soft); } pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--note); padding: .6rem 1rem; margin: .4rem 0 1rem; border-radius: 6px; } .note pre { background: var(--paper); }
`;

/**
 * A self-contained page: one file, no script, nothing loaded from anywhere; the policy in its head makes browsers keep
 * it so. Opens from a disk, a mail or a web server alike.
 */
export function htmlPage({
  title,
  lead,
  sections,
}: {
  title: string;
  lead?: HtmlValue;
  sections: readonly PageSection[];
}): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<h1>${title}</h1>
${lead}
<nav>${sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a> `)}</nav>
${sections.map(({ id, title: name, content }) => html`<section id="${id}"><h2>${name}</h2>\n${content}</section>\n`)}
</body>
</html>
`;
  return page.text;
}
