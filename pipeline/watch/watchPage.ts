import { createHash } from 'node:crypto';

/*
 * In the browser: asks for the page again whenever the server says that the run has moved on. The page is replaced in
 * place, so that one can go on reading where one is; opened details stay open.
 */
const SCRIPT = `
const query = location.search;
const source = new EventSource('events' + query);
let busy = false;
source.addEventListener('moved', async () => {
  if (busy) return;
  busy = true;
  try {
    const answer = await fetch('./' + query);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const open = [...document.querySelectorAll('details')].map((one) => one.open);
    const [left, top] = [scrollX, scrollY];
    document.body.replaceChildren(...page.body.childNodes);
    document.querySelectorAll('details').forEach((one, i) => { one.open = open[i] ?? false; });
    scrollTo(left, top);
  } catch {} finally { busy = false; }
});
source.addEventListener('ended', () => {
  source.close();
  const note = document.createElement('p');
  note.className = 'note warn';
  note.textContent = 'The run has ended and this page is not updated any more; its report.html is the last word.';
  document.body.prepend(note);
});
`;

const digest = createHash('sha256').update(SCRIPT).digest('base64');

/** What the browser may do with the watched page: this one script, and talk to this server. */
export const WATCH_POLICY = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${digest}'; connect-src 'self'; frame-ancestors 'none'`;

/** Lets a page of `htmlPage` follow the run: the script is added, and the policy in its head allows it. */
export function watchPage(page: string): string {
  return page
    .replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '')
    .replace('</head>', () => `<script type="module">${SCRIPT}</script>\n</head>`);
}
