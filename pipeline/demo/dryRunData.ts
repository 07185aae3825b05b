export async function dryRunData(_: unknown): Promise<{path:string; remove(): Promise<void>}> { throw new Error('x'); }
