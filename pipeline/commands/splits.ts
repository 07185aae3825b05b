import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { writeAtomically } from '../../model/index.js';
import { openDataRoot } from '../data/dataRoot.js';
import { fetchOfficialSplits, OFFICIAL_SPLITS } from '../data/fetchOfficialSplits.js';
import { describeShared, sharedBetweenSplits } from '../data/sharedBetweenSplits.js';
import { parseSplitList, readSplitLists, SPLIT_NAMES, type SplitEntry, type SplitName } from '../data/splits.js';
import { EXIT, parseCommand, runCommand } from '../exitCodes.js';
import { projectFolder } from '../projectFolder.js';
import { UserError } from '../userError.js';

type SplitsOptions = { dataRoot?: string; from?: string; url: string; force?: boolean; check?: boolean };

const splitsCommand = new Command('node pipeline/splits.js')
  .description('Fetches the official splits of FaceForensics++, or takes your own; checks them and puts them in place.')
  .option('--data-root <folder>', 'put them into splits/ of this data root (default: splits/ of the project)')
  .option('--from <folder>', 'take train.json, val.json and test.json from here; nothing is fetched')
  .option('--url <url>', 'fetch the three files from here', OFFICIAL_SPLITS)
  .option('--check', 'only check them, write nothing')
  .option('--force', 'replace splits that are there already')
  .addHelpText(
    'after',
    `
Examples:
  node pipeline/splits.js --data-root /data/crops
  node pipeline/splits.js --from my-splits --data-root /data/crops

Each file is a list of ids, ["anna_1", …], or of pairs of ids, [["071", "054"], …], in FaceForensics++'s form. Checked are
form, and that no clip and no person stands in two splits. The official files come from their authors' repository;
FaceForensics++ itself is to be had from them, under its own terms. A manifest.csv in the data root stands over splits/.
Exit codes: 0 done, 2 wrong input or no network: the message says what to do.`,
  )
  .action((options: SplitsOptions) => runCommand(() => splits(options)));

async function splits({ dataRoot, from, url, force, check }: SplitsOptions): Promise<number> {
  const say = (text: string) => process.stdout.write(`${text}\n`);
  const data = dataRoot === undefined ? undefined : await openDataRoot(dataRoot);
  const texts = from === undefined ? await fetchOfficialSplits(url) : await textsOf(from);
  const target = data ? join(data.path, 'splits') : join(projectFolder, 'splits');
  const before = check ? {} : await present(target);
  const changed = SPLIT_NAMES.filter((name) => before[name] !== undefined && before[name] !== texts[name]);
  if (changed.length > 0 && !force)
    throw new UserError(
      `${target} holds other splits already (${changed.map((name) => `${name}.json`).join(', ')}); give --force to replace them`,
    );
  if (!check) {
    await mkdir(target, { recursive: true }).catch((error: Error) => {
      throw new UserError(`cannot write to ${target}: ${error.message}`);
    });
    for (const name of SPLIT_NAMES) await writeAtomically(join(target, `${name}.json`), texts[name]);
  }
  const clips = Object.fromEntries(
    SPLIT_NAMES.map((name) => [name, parseSplitList(texts[name], `${name}.json`)]),
  ) as Record<SplitName, SplitEntry[]>;
  say(
    `${check ? 'checked' : `in ${target}`}: ${SPLIT_NAMES.map((name) => `${name} ${clips[name].length}`).join(', ')} ids`,
  );
  if (data) sayFiles(data.ids, clips, say);
  if (data && existsSync(join(data.path, 'manifest.csv')))
    say(`these lists are not used as long as ${join(data.path, 'manifest.csv')} is there: it stands over splits/`);
  return EXIT.done;
}

/** The three files of a folder of the user's, checked. */
async function textsOf(folder: string): Promise<Record<SplitName, string>> {
  const texts = await present(folder);
  const missing = SPLIT_NAMES.filter((name) => texts[name] === undefined);
  if (missing.length > 0)
    throw new UserError(
      `--from: expected train.json, val.json and test.json in ${resolve(folder)}; missing: ${missing.map((name) => `${name}.json`).join(', ')}`,
    );
  const clips = await readSplitLists(folder);
  for (const name of SPLIT_NAMES)
    if (clips[name].length === 0) throw new UserError(`${join(folder, `${name}.json`)}: expected at least one id`);
  const shared = sharedBetweenSplits(clips);
  if (shared.length > 0) throw new UserError(`${folder}: ${describeShared(shared)}`);
  return texts as Record<SplitName, string>;
}

async function present(folder: string): Promise<Partial<Record<SplitName, string>>> {
  const texts: Partial<Record<SplitName, string>> = {};
  for (const name of SPLIT_NAMES) {
    const file = join(folder, `${name}.json`);
    const text = await readFile(file, 'utf8').catch(({ code, message }: NodeJS.ErrnoException) => {
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw new UserError(`cannot read ${file}: ${message}`);
    });
    if (typeof text === 'string') texts[name] = text;
  }
  return texts;
}

/** Splits that name other clips than there are would be noticed as quarantined clips, hours later. */
function sayFiles(
  ids: readonly string[],
  clips: Record<SplitName, readonly SplitEntry[]>,
  say: (text: string) => void,
): void {
  const files = new Set(ids);
  const counts = SPLIT_NAMES.map((name) => `${name} ${clips[name].filter(({ id }) => files.has(id)).length}`);
  say(`with crops in the data root: ${counts.join(', ')}; verify-data says more`);
}

await parseCommand(splitsCommand);
