/** An element of a page, read back. */
export type MarkupElement = { name: string; attributes: Record<string, string>; children: (MarkupElement | string)[] };

const VOID = new Set(['br', 'img', 'meta', 'line', 'rect', 'circle', 'path']);
const TEXT: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
const unescaped = (text: string) =>
  text.replace(/&[^;]*;/g, (entity) => {
    const character = TEXT[entity];
    if (character === undefined) throw new Error(`unknown entity ${entity}`);
    return character;
  });

/** Reads markup strictly: every element closed, every attribute quoted. @throws Error where it is not well formed. */
export function readMarkup(text: string): MarkupElement {
  const root: MarkupElement = { name: 'root', attributes: {}, children: [] };
  const open = [root];
  const source = text.replace(/^<!doctype html>\s*/, '');
  const token = /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
  while (token.lastIndex < source.length) {
    const at = token.lastIndex;
    const match = token.exec(source);
    if (!match) throw new Error(`not well formed at: ${source.slice(at, at + 80)}`);
    const [, closing, name, attributes, selfClosed, characters] = match;
    const parent = open.at(-1)!;
    if (characters !== undefined) {
      parent.children.push(parent.name === 'style' ? characters : unescaped(characters));
      continue;
    }
    if (closing) {
      if (parent.name !== name)
        throw new Error(`<${parent.name}> closed by </${name}> at ${source.slice(at, at + 80)}`);
      open.pop();
      continue;
    }
    const element: MarkupElement = { name: name!, attributes: {}, children: [] };
    for (const [, key, value] of attributes!.matchAll(/([\w:-]+)="([^"]*)"/g))
      element.attributes[key!] = unescaped(value!);
    parent.children.push(element);
    if (!selfClosed) open.push(element);
    else if (!VOID.has(name!)) throw new Error(`<${name}/> closes itself, which HTML does not know`);
  }
  if (open.length > 1) throw new Error(`<${open.at(-1)!.name}> is never closed`);
  return root;
}

/** All elements of a name, in order. */
export const elements = (node: MarkupElement, name: string): MarkupElement[] =>
  node.children.flatMap((child) =>
    typeof child === 'string' ? [] : [...(child.name === name ? [child] : []), ...elements(child, name)],
  );

export const textOf = (node: MarkupElement): string =>
  node.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');

/** Corners of a path of straight lines, a list for each unbroken part. */
export const pathPoints = (element: MarkupElement): [number, number][][] =>
  element.attributes
    .d!.split('M')
    .slice(1)
    .map((part) =>
      part
        .replace(/Z$/, '')
        .split('L')
        .map((point) => point.split(',').map(Number) as [number, number]),
    );
