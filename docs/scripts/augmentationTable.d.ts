import type { Recipe } from '../../workers/index.js';

export function augmentationTable(
  stages: readonly { name: string; defaults: Record<string, unknown> }[],
  recipe: Recipe,
): string;
export function withTable(document: string, table: string): string;
