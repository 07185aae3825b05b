import type { BootstrapOptions } from './bootstrap.js';
import type { EvaluatedVideo } from './evaluateVideos.js';
import { type Figure, measureAuc } from './measures.js';
import { type PairedRanking, rankWithinPairs } from './pairedRanking.js';

/**
 * What tells fakes from reals without any look at a face. The sign is fixed beforehand: the softer picture, the video
 * with fewer pixels, the smaller face, the file with fewer bits is taken for the fake.
 */
export const CUE_NAMES = ['softness', 'few_pixels', 'small_face', 'few_bits', 'collection'] as const;
export type CueName = (typeof CUE_NAMES)[number];

/** How well one cue does. */
export type CueFigures = {
  cue: CueName;
  reals: number;
  fakes: number;
  auc: Figure;
  paired: PairedRanking;
};

/** A video with what is known of its file; `unit`: of which independent unit it is. */
type CueVideo = Pick<EvaluatedVideo, 'label' | 'pairGroup' | 'properties' | 'collection'> & { unit: number };

/**
 * How well each cue separates the videos for which it is known: a detector that does no better reads the file and not
 * the face. Cues known of no real or no fake are left out.
 */
export function simpleCues(videos: readonly CueVideo[], options: (cue: CueName) => BootstrapOptions): CueFigures[] {
  const collections = collectionScores(videos);
  return CUE_NAMES.flatMap((cue) => {
    const known = videos.flatMap((video, i) => {
      const score = cue === 'collection' ? collections[i] : PROPERTY_OF[cue](video.properties ?? {});
      return score === undefined ? [] : [{ ...video, score, identity: String(video.unit) }];
    });
    const fakes = known.filter(({ label }) => label === 1).length;
    const reals = known.length - fakes;
    if (reals === 0 || fakes === 0) return [];
    return [{ cue, reals, fakes, auc: measureAuc(known, options(cue)), paired: rankWithinPairs(known, options(cue)) }];
  });
}

/** What an evaluated video's file and picture say about themselves; all positive. */
export type VideoProperties = {
  /** Variance of the Laplacian, mean over the frames that were scored. */
  sharpness?: number;
  width?: number;
  height?: number;
  /** Side of the face's square in the video, pixels. */
  facePixels?: number;
  bitsPerPixel?: number;
};

const negative = (value: number | undefined) => (value === undefined ? undefined : -value);

const PROPERTY_OF: Record<Exclude<CueName, 'collection'>, (properties: VideoProperties) => number | undefined> = {
  softness: ({ sharpness }) => negative(sharpness),
  few_pixels: ({ width, height }) => (width === undefined || height === undefined ? undefined : -width * height),
  small_face: ({ facePixels }) => negative(facePixels),
  few_bits: ({ bitsPerPixel }) => negative(bitsPerPixel),
};

/**
 * What a reader who knows only where a file comes from would say: the share of fakes among the other people's videos
 * of the same collection, drawn towards the share among all videos by one video's weight. (Towards the share among the
 * others it would say "real" of every fake whose collection is its own, because one fake less is left.)
 */
function collectionScores(videos: readonly CueVideo[]): (number | undefined)[] {
  const fakes = (list: readonly CueVideo[]) => list.filter(({ label }) => label === 1).length;
  const all = videos.filter(({ collection }) => collection !== undefined);
  return videos.map(({ collection, unit }) => {
    if (collection === undefined) return undefined;
    const same = all.filter((other) => other.unit !== unit && other.collection === collection);
    return (fakes(same) + fakes(all) / all.length) / (same.length + 1);
  });
}
