import type * as yauzl from 'yauzl';

/** The entries of an archive opened with `lazyEntries`, one after another; yauzl itself reports them as events. */
export async function* zipEntries(archive: yauzl.ZipFile): AsyncGenerator<yauzl.Entry> {
  for (;;) {
    const entry = await new Promise<yauzl.Entry | undefined>((resolve, reject) => {
      const settle = (result: yauzl.Entry | undefined, error?: Error) => {
        archive.removeListener('entry', onEntry);
        archive.removeListener('end', onEnd);
        archive.removeListener('error', onError);
        if (error) reject(error);
        else resolve(result);
      };
      const onEntry = (e: yauzl.Entry) => settle(e);
      const onEnd = () => settle(undefined);
      const onError = (error: Error) => settle(undefined, error);
      archive.on('entry', onEntry).on('end', onEnd).on('error', onError);
      archive.readEntry();
    });
    if (!entry) return;
    yield entry;
  }
}
