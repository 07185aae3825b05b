import { html, type Markup } from './html.js';

/** Characters of a name for which there is room. */
const MOST = 20;

/** A row's name left of the plot, cut where it is too long; the whole of it shows under the pointer. */
export function rowName(name: string, left: number, y: number): Markup {
  const characters = [...name];
  const shown = characters.length > MOST ? `${characters.slice(0, MOST - 1).join('')}…` : name;
  return html`<text x="${left - 8}" y="${y + 4}" text-anchor="end">${shown}<title>${name}</title></text>`;
}
