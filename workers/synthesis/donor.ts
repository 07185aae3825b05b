import { readClip, type StoredClip } from '../npz/readClip.js';
import { readLandmarks, type StoredLandmarks } from '../npz/readLandmarks.js';
import type { NpzLimits } from '../npz/readNpz.js';
import type { ClipSource } from './recipe.js';
import type { Workspace } from './workspace.js';

/** Another clip whose face may be put into a sample's, read as far as it is needed. */
export type Donor = {
  id: string;
  /** @throws SampleError */
  landmarks(): Promise<StoredLandmarks>;
  /** @throws SampleError */
  clip(): Promise<StoredClip>;
};

/** A donor from its files; pixels lie in the workspace until the next donor's take their place. */
export const storedDonor = (source: ClipSource, workspace: Workspace, limits?: Partial<NpzLimits>): Donor => ({
  id: source.id,
  landmarks: () => readLandmarks(source, limits),
  clip: () => readClip(source, limits, (name, length) => workspace.bytes(`donor ${name}`, length)),
});
