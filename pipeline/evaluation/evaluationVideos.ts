import { methodOf, UNNAMED_METHOD } from '../../model/index.js';
import type { DataRoot } from '../data/dataRoot.js';
import { faceForensicsFakes } from '../data/faceForensicsFakes.js';
import { SPLIT_NAMES, type SplitEntry, type SplitName, type Splits } from '../data/splits.js';
import { UserError } from '../userError.js';

/**
 * The labelled videos of a split: those of the manifest, or the originals of a split's JSON file and their
 * FaceForensics++ fakes in the data root. With `methods`, only their fakes; the reals stay.
 *
 * @throws UserError when the split is empty or has one class only, a method is unknown, or none of the videos is there
 */
export function evaluationVideos(
  splits: Splits,
  data: Pick<DataRoot, 'ids' | 'path' | 'locate'>,
  split: SplitName,
  methods?: readonly string[],
): SplitEntry[] {
  const listed = splits.clips[split];
  if (listed.length === 0)
    throw new UserError(
      `${splits.source}: the split "${split}" is empty; expected real and fake videos in it${otherSplits(splits)}`,
    );
  const fromManifest = splits.source.endsWith('.csv');
  const entries = fromManifest ? listed : withFakes(splits, data, split);
  const fakes = entries.filter(({ label }) => label === 1);
  const reals = entries.filter(({ label }) => label === 0);
  if (fakes.length === 0)
    throw new UserError(
      `${splits.source}: the split "${split}" has ${reals.length} real videos and no fakes, and one class alone cannot be evaluated; ${
        fromManifest
          ? 'add rows with label 1 to it (columns id,split,label and, better, method,pair_group)'
          : `add ${data.path}/manifest.csv with the columns id,split,label,method,pair_group (label 0 real, 1 fake), or fakes named as in FaceForensics++ with their method in front, e.g. Deepfakes_071_054_crops.npz`
      }`,
    );
  if (reals.length === 0)
    throw new UserError(
      `${splits.source}: the split "${split}" has ${fakes.length} fakes and no real videos, and one class alone cannot be evaluated; add rows with label 0`,
    );
  const known = [...new Set(fakes.map(methodOf))].sort();
  const unknown = methods?.filter((method) => !known.includes(method)) ?? [];
  if (unknown.length > 0)
    throw new UserError(
      `--methods: expected some of ${known.join(', ')} (methods of the split "${split}") but received ${unknown.join(', ')}${
        known.includes(UNNAMED_METHOD) ? '; fakes whose method column is empty have no name' : ''
      }`,
    );
  const chosen = methods ? [...reals, ...fakes.filter((fake) => methods.includes(methodOf(fake)))] : entries;
  const present = new Set(data.ids);
  if (!chosen.some(({ id }) => present.has(id)))
    throw new UserError(
      `--data-root: none of the ${chosen.length} videos of the split "${split}" lies in ${data.path}; expected e.g. ${data.locate(chosen[0]!.id).crops}`,
    );
  return chosen;
}

/** Originals are their own pair group, so that their fakes find them. */
function withFakes(splits: Splits, data: Pick<DataRoot, 'ids'>, split: SplitName): SplitEntry[] {
  const originals = splits.clips[split].map(({ id }) => id);
  const known = new Set(SPLIT_NAMES.flatMap((name) => splits.clips[name].map(({ id }) => id)));
  const fakes = faceForensicsFakes(originals, known, data.ids);
  return [...splits.clips[split].map((entry) => ({ ...entry, pairGroup: entry.id })), ...fakes];
}

function otherSplits({ clips }: Splits): string {
  const filled = SPLIT_NAMES.filter((name) => clips[name].length > 0);
  return filled.length === 0 ? '' : `; there are videos in ${filled.map((name) => `"${name}"`).join(' and ')}`;
}
