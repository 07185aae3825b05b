// Rewrites the table of docs/augmentation.md from the stages' defaults:
//
//     npm run build && node docs/scripts/writeAugmentation.js

import { readFile, writeFile } from 'node:fs/promises';
import { STAGES, trainingRecipe } from 'stf-mamba/workers';
import { augmentationTable, withTable } from './augmentationTable.js';

const file = new URL('../augmentation.md', import.meta.url);
const phaseA = trainingRecipe({
  img_size: 224,
  num_segments: 4,
  frames_per_segment: 8,
  use_compression_aug: true,
  use_multiscale_drift: true,
});
await writeFile(file, withTable(await readFile(file, 'utf8'), augmentationTable(STAGES, phaseA)));
