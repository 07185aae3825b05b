/** A video that cannot be read. The reason says what was expected and what came, without the video's name. */
export class VideoError extends Error {
  override readonly name = 'VideoError';
}
