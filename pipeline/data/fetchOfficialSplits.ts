import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../userError.js';
import { parseSplitList, SPLIT_NAMES, type SplitName } from './splits.js';

/** Where the authors of FaceForensics++ (Rössler et al., ICCV 2019) keep their split. */
export const OFFICIAL_SPLITS = 'https://raw.githubusercontent.com/ondyari/FaceForensics/master/dataset/splits';
const BY_HAND = 'https://github.com/ondyari/FaceForensics/tree/master/dataset/splits';

/** Pairs of originals in each split; all in all the data set's thousand videos, 000 to 999. */
const PAIRS: Record<SplitName, number> = { train: 360, val: 70, test: 70 };

const ATTEMPTS = 3;
const RETRY_MS = 1000;
const TIMEOUT_MS = 30_000;

/**
 * The texts of the official `train.json`, `val.json` and `test.json`, checked to be what they should be.
 * @throws UserError that says what to do, when the network fails or the files are others than expected
 */
export async function fetchOfficialSplits(
  url = OFFICIAL_SPLITS,
  retryMs = RETRY_MS,
): Promise<Record<SplitName, string>> {
  const texts = {} as Record<SplitName, string>;
  for (const name of SPLIT_NAMES) texts[name] = await fetchText(`${url.replace(/\/$/, '')}/${name}.json`, retryMs);
  const seen = new Set<string>();
  for (const name of SPLIT_NAMES) {
    const ids = parseSplitList(texts[name], `${url}/${name}.json`).map(({ id }) => id);
    const wrong = ids.find((id) => !/^\d{3}$/.test(id) || seen.has(id));
    if (wrong !== undefined)
      throw new UserError(`${url}/${name}.json: expected each of the ids 000 to 999 once, received "${wrong}"`);
    if (ids.length !== 2 * PAIRS[name])
      throw new UserError(`${url}/${name}.json: expected ${PAIRS[name]} pairs of ids, received ${ids.length / 2}`);
    for (const id of ids) seen.add(id);
  }
  return texts;
}

async function fetchText(url: string, retryMs: number): Promise<string> {
  let reason = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (answer.ok) return await answer.text();
      reason = `the server answered ${answer.status} ${answer.statusText}`.trim();
      if (answer.status < 500) break; // asking again does not help
    } catch (error) {
      const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
      reason = [message, cause?.code ?? cause?.message].filter(Boolean).join(': ');
    }
    if (attempt < ATTEMPTS) await delay(retryMs * attempt);
  }
  throw new UserError(
    `cannot fetch ${url} (${reason}). Check the network and run this again; or download train.json, val.json and test.json from ${BY_HAND} on any machine, and give their folder with --from`,
  );
}
