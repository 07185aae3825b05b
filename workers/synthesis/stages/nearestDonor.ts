import type { StoredClip } from '../../npz/readClip.js';
import type { Donor } from '../donor.js';
import { SampleError } from '../sampleError.js';
import { carryingPoints, meanPoint, nearestFrame } from './nearestPose.js';
import { framesInRuns } from './selectFrames.js';

/**
 * The donor whose face comes nearest to a face, with its pixels; the first of equals. What cannot be used is passed over:
 * it goes into quarantine when its own turn comes.
 *
 * @param face carrying points `[n, 2]`
 * @param frames how many frames of it are needed
 * @param passedOver receives why, for each that cannot be used
 * @returns null where none can be used
 * @throws what may go better at another attempt, whosever it is
 */
export async function nearestDonor(
  donors: readonly Donor[],
  face: Float64Array,
  frames: number,
  passedOver: SampleError[],
): Promise<StoredClip | null> {
  const unlessUnusable = async <T>(made: Promise<T>): Promise<T | null> => {
    try {
      return await made;
    } catch (error) {
      if (!(error instanceof SampleError) || error.retryable) throw error;
      passedOver.push(error);
      return null;
    }
  };
  const offers: Offer[] = [];
  for (const donor of donors) {
    const offer = await unlessUnusable(offerOf(donor, face, frames));
    if (offer) offers.push(offer);
  }
  offers.sort((a, b) => a.distance - b.distance);
  for (const offer of offers) {
    const clip = await unlessUnusable(clipOf(offer));
    if (clip) return clip;
  }
  return null;
}

type Offer = { donor: Donor; frame: number; distance: number };

const refuse = ({ id }: Donor, reason: string): never => {
  throw new SampleError(id, 'exchange', reason);
};

async function offerOf(donor: Donor, face: Float64Array, frames: number): Promise<Offer> {
  const stored = await donor.landmarks();
  framesInRuns(stored, frames, (reason) => refuse(donor, reason));
  const { frame, distance } = nearestFrame(stored, face);
  if (!Number.isFinite(distance)) return refuse(donor, 'no frame has a face with an area');
  return { donor, frame, distance };
}

async function clipOf({ donor, frame }: Offer): Promise<StoredClip> {
  const clip = await donor.clip();
  const [x, y] = meanPoint(carryingPoints(clip.landmarks, clip.points, frame));
  // Else only the border's pixels would be carried over, drawn out.
  if (!(x >= 0 && y >= 0 && x < clip.width && y < clip.height))
    return refuse(
      donor,
      `expected landmarks inside the ${clip.width}x${clip.height} picture but the face lies about x ${x.toFixed(1)}, y ${y.toFixed(1)}`,
    );
  return clip;
}
