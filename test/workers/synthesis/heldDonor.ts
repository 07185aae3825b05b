import type { StoredClip } from '../../../workers/index.js';
import type { Donor } from '../../../workers/synthesis/donor.js';

/** A donor that is in memory already; `asked` receives what is read of it. */
export const heldDonor = (stored: StoredClip, asked: string[] = []): Donor => ({
  id: stored.id,
  landmarks: async () => {
    asked.push(`${stored.id} landmarks`);
    return stored;
  },
  clip: async () => {
    asked.push(`${stored.id} clip`);
    return stored;
  },
});

/** A clip whose landmarks have been moved, pixels as they were. */
export const movedFace = (
  stored: StoredClip,
  move: (x: number, y: number, frame: number) => [number, number],
): StoredClip => {
  const landmarks = stored.landmarks.slice();
  for (let i = 0; i < landmarks.length; i += 2)
    landmarks.set(move(landmarks[i]!, landmarks[i + 1]!, Math.floor(i / (2 * stored.points))), i);
  return { ...stored, landmarks };
};
