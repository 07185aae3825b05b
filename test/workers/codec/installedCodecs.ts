import { type Codec, type CodecName, CodecUnavailableError, openCodec } from '../../../workers/index.js';

/** The codec, or why there is none on this machine: tests that need it are skipped and say so. */
export async function installedCodec(name: CodecName): Promise<{ codec: Codec | null; title: string }> {
  try {
    return { codec: await openCodec(name), title: name };
  } catch (error) {
    if (!(error instanceof CodecUnavailableError)) throw error;
    return { codec: null, title: `${name} (skipped: ${error.reason})` };
  }
}

/** What another thread or the recipe is told when H.264 is wanted and it does not matter whose. */
export async function installedH264(): Promise<CodecName | null> {
  for (const name of ['node-av', 'ffmpeg'] as const) if ((await installedCodec(name)).codec) return name;
  return null;
}
