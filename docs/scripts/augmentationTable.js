// The table of docs/augmentation.md: every stage in order, every parameter with its default. Made from the stages
// themselves, so that it cannot tell something else than the code does.

const BEGIN = '<!-- table of stages: written by docs/scripts/writeAugmentation.js -->';
const END = '<!-- end of table -->';

/** One row per parameter; a stage's name stands in its first row only. */
export function augmentationTable(stages, recipe) {
  const rows = stages.flatMap(({ name, defaults }) => {
    const params = Object.entries(defaults);
    const used = recipe.stages.find(({ stage }) => stage === name);
    if (params.length === 0) return [[`\`${name}\``, '', '', '']];
    return params.map(([param, value], i) => {
      const given = used?.params[param];
      const differs = given !== undefined && shown(given) !== shown(value);
      return [i === 0 ? `\`${name}\`` : '', `\`${param}\``, shown(value), differs ? shown(given) : ''];
    });
  });
  const header = ['stage', 'parameter', 'default', 'Phase A, where it differs'];
  const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

/** The document with the table between its marks replaced. */
export function withTable(document, table) {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`Expected the lines '${BEGIN}' and '${END}' in the document`);
  return `${document.slice(0, begin + BEGIN.length)}\n${table}\n${document.slice(end)}`;
}

function shown(value) {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([key, part]) => `${key} ${shown(part)}`)
      .join(', ');
  return String(value);
}
