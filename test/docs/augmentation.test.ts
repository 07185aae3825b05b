import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { augmentationTable, withTable } from '../../docs/scripts/augmentationTable.js';
import { STAGES, trainingRecipe } from '../../workers/index.js';

const folder = fileURLToPath(new URL('../../docs/', import.meta.url));
const document = readFileSync(`${folder}augmentation.md`, 'utf8');

describe('docs/augmentation.md', () => {
  it("has the table of the stages' own defaults (else: node docs/scripts/writeAugmentation.js)", () => {
    const phaseA = trainingRecipe({
      img_size: 224,
      num_segments: 4,
      frames_per_segment: 8,
      use_compression_aug: true,
      use_multiscale_drift: true,
    });
    const table = augmentationTable(STAGES, phaseA);
    expect(document).toBe(withTable(document, table));
    expect(table.split('\n').length).toBe(
      2 + STAGES.reduce((sum, { defaults }) => sum + Math.max(1, Object.keys(defaults).length), 0),
    );
    expect(table).toContain('| `drift` | `mode` | v73 | multiscale |');
  });

  it('describes every stage, in order, with every parameter', () => {
    const headings = [...document.matchAll(/^### `(\w+)`$/gm)].map(([, name]) => name);
    expect(headings).toEqual(STAGES.map(({ name }) => name));
    for (const { name, defaults } of STAGES) {
      const [, text] = document.split(`### \`${name}\`\n`) as [string, string];
      const section = text.split(/^##/m)[0]!;
      for (const parameter of Object.keys(defaults)) expect(section, name).toContain(`\`${parameter}\``);
    }
  });

  it('shows pictures that exist and are small', () => {
    const pictures = [...document.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, file]) => file!);
    expect(pictures.length).toBe(9);
    for (const picture of pictures) expect(statSync(folder + picture).size, picture).toBeLessThan(150_000);
  });
});
