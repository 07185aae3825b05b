import type { SplitEntry, SplitName } from './splits.js';

/** A clip or a person that stands in more than one split. `clips` has one example of each split. */
export type SharedBetweenSplits = {
  kind: 'clip' | 'identity' | 'pair_group';
  name: string;
  splits: SplitName[];
  clips: string[];
};

/**
 * FaceForensics++ numbers its videos, and a fake is named after target and source: `071_054`, with the method before it
 * where clips of several methods share a folder.
 */
const FACE_FORENSICS =
  /^(?:(?:original|Deepfakes|Face2Face|FaceSwap|NeuralTextures|FaceShifter)[_-])?(\d{3})(?:_(\d{3}))?$/i;

/**
 * Whom a clip shows, as far as the manifest or FaceForensics++'s names tell. A real clip shows one person: two numbers
 * in its name mean something else.
 */
export function identitiesOf({ id, label, identity }: Pick<SplitEntry, 'id' | 'label' | 'identity'>): string[] {
  if (identity !== undefined) return [identity];
  const [, target, source] = FACE_FORENSICS.exec(id) ?? [];
  if (label === 0 && source !== undefined) return [];
  return [target, source].filter((name) => name !== undefined);
}

/**
 * Clips, identities and pair groups that stand in two splits. A network that has seen a person in training recognises
 * the person and not the forgery, and the figure on the other split is worth nothing.
 */
export function sharedBetweenSplits(clips: Readonly<Record<SplitName, readonly SplitEntry[]>>): SharedBetweenSplits[] {
  const seen = new Map<string, SharedBetweenSplits>();
  for (const split of Object.keys(clips) as SplitName[])
    for (const entry of clips[split]) {
      const names = [
        ['clip', entry.id],
        ...identitiesOf(entry).map((name) => ['identity', name]),
        ...(entry.pairGroup === undefined ? [] : [['pair_group', entry.pairGroup]]),
      ] as [SharedBetweenSplits['kind'], string][];
      for (const [kind, name] of names) {
        const key = `${kind} ${name}`;
        const before = seen.get(key);
        if (!before) seen.set(key, { kind, name, splits: [split], clips: [entry.id] });
        else if (!before.splits.includes(split)) {
          before.splits.push(split);
          before.clips.push(entry.id);
        }
      }
    }
  const found = [...seen.values()].filter(({ splits }) => splits.length > 1);
  // A clip in two splits takes its identity along: named once.
  const clipIds = new Set(found.filter(({ kind }) => kind === 'clip').map(({ name }) => name));
  return found.filter(({ kind, clips: examples }) => kind === 'clip' || !examples.every((id) => clipIds.has(id)));
}

/** How many are named before the rest is only counted. */
const MAX_NAMED = 3;

export function describeShared(shared: readonly SharedBetweenSplits[]): string {
  const named = shared.slice(0, MAX_NAMED).map(({ kind, name, splits, clips }) => {
    const examples = kind === 'clip' ? '' : ` (${clips.map((clip) => `"${clip}"`).join(', ')})`;
    return `${kind} "${name}" stands in ${splits.join(' and in ')}${examples}`;
  });
  const more = shared.length - named.length;
  return `${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}; expected every person in one split`;
}
