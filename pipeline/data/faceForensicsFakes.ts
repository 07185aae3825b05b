import type { SplitEntry } from './splits.js';

/**
 * Finds the fakes of originals that a split lists, by FaceForensics++'s names: a fake is called `<target>_<source>`
 * after the two originals it was made of, here with its method before that, e.g. `Deepfakes_071_054`. A fake belongs to
 * the split of its target, the video that it shows, and forms a pair group with it.
 *
 * @param originals ids of the split's originals
 * @param known ids of the originals of all splits
 * @param ids all ids of the data root
 */
export function faceForensicsFakes(
  originals: readonly string[],
  known: ReadonlySet<string>,
  ids: readonly string[],
): SplitEntry[] {
  const here = new Set(originals);
  return ids.flatMap((id) => {
    const parts = known.has(id) ? undefined : splitName(id, known);
    if (!parts || !here.has(parts.target)) return [];
    const { target, method } = parts;
    return [{ id, label: 1 as const, pairGroup: target, ...(method === '' ? {} : { method }) }];
  });
}

/** Ids may themselves hold underscores, so every place to cut is tried, the longest target first. */
function splitName(id: string, known: ReadonlySet<string>): { method: string; target: string } | undefined {
  for (let cut = id.indexOf('_'); cut >= 0; cut = id.indexOf('_', cut + 1)) {
    if (!known.has(id.slice(cut + 1))) continue;
    const left = id.slice(0, cut);
    for (let from = 0; from < left.length; from++) {
      if (from > 0 && !/[_-]/.test(left[from - 1]!)) continue;
      const target = left.slice(from);
      if (known.has(target)) return { method: left.slice(0, from).replace(/[_-]+$/, ''), target };
    }
  }
  return undefined;
}
