import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDemoData } from '../../pipeline/demo/demoData.js';
import { projectFolder } from '../../pipeline/projectFolder.js';
import { sheetName } from '../../pipeline/samples/sampleSheets.js';
import { elements, readMarkup, textOf } from './report/markupTree.js';
import { noTensorBoard, readWithTensorBoard } from './tensorboard/tensorboardPackage.js';
import { inTerminal, noTerminal } from './terminal/pythonTerminal.js';
import { Screen } from './terminal/screen.js';

/* What a researcher sees of a real run: in the terminal, in the browser, and afterwards in its folder. */

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-watched-'));
  data = join(folder, 'data');
  await writeDemoData(data, { people: { train: 4, val: 2, test: 0 }, size: 96, runs: 2, runLength: 4 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const options = (out: string, ...more: string[]) => [
  ...['pipeline/train.js', '--config', 'configs/v8_debug.yaml', '--set', 'data.batch_size=4', '--workers', '1'],
  ...['--set', 'training.val_pairs=2', '--set', 'training.cost_per_hour=0.39', '--budget', '2'],
  ...['--data-root', data, '--out', out, ...more],
];

type Ended = { code: number | null; text: string };
function running(
  program: string,
  args: string[],
  env: Record<string, string>,
  onText?: (chunk: Buffer, text: string, child: ReturnType<typeof spawn>) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { NO_COLOR, FORCE_COLOR, ...inherited } = process.env;
    const child = spawn(program, args, { cwd: projectFolder, env: { ...inherited, TERM: 'xterm-256color', ...env } });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk;
        onText?.(chunk, text, child);
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text }));
  });
}

const report = async (run: string) => readMarkup(await readFile(join(run, 'report.html'), 'utf8'));

const sampled = [1, 2, 4, 8, 16, 32];

describe('a run that is watched', () => {
  it.skipIf(noTerminal)(
    `shows a few lines that are rewritten in place, also after a resize; no colours with NO_COLOR${noTerminal ? ` (${noTerminal})` : ''}`,
    async () => {
      const run = join(folder, 'terminal');
      const screen = new Screen(90, 30);
      let resized = false;
      const ended = await running(
        'python3',
        [inTerminal, '90', '30', process.execPath, ...options(run, '--max-steps', '12')],
        { NO_COLOR: '1' },
        (chunk, text, child) => {
          screen.write(chunk);
          if (resized || !/step \d+\/12/.test(text)) return;
          resized = true;
          void screen.resize(50, 30);
          child.stdin!.write('50x30\n');
        },
      );
      expect([ended.code, resized]).toEqual([0, true]);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
      expect(ended.text).not.toMatch(/\u001b\[[0-9;]*m/);
      const lines = await screen.lines();
      const heads = lines.filter((line) => /step \d+\/12/.test(line));
      expect(heads.at(-1)).toMatch(/step 12\/12 {2}100 % {2}0s left/);
      // A frame may be on its way while the terminal is resized, and stay; without control sequences there would be more.
      expect(heads.length).toBeLessThanOrEqual(2);
      const at = lines.indexOf(heads.at(-1)!);
      expect(lines[at + 1]).toMatch(/^loss \d\.\d{4} {2}AUC \d\.\d{3}/);
      expect(lines[at + 2]).toMatch(/^\d+\.\d clips\/s {2}ready \d+ % {2}workers \d\/1 busy/);
      expect(lines[at + 3]).toMatch(/^\$0\.00\d of \$2\.00 {2}0\.\d %/);
      expect(lines.slice(0, at).join('\n')).toMatch(/validation after step \d+: AUC/);
      expect(lines.slice(at + 4).join('\n')).toMatch(/stopped \(max_steps\) after step 12.*\nreport: .*report\.html/);
    },
    60_000,
  );

  it('is served with --watch, and leaves a report, pictures and events; also when it was killed and resumed', async () => {
    const run = join(folder, 'served');
    const asked: Promise<[number, string]>[] = [];
    const killed = await running(
      process.execPath,
      options(run, '--max-steps', '40', '--set', 'training.checkpoint_steps=2', '--watch', '0', '--log-format', 'json'),
      {},
      (_, text, child) => {
        const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]+/.exec(text)?.[0];
        const ask = (address: string) =>
          fetch(address).then(async (answer): Promise<[number, string]> => [answer.status, await answer.text()]);
        if (asked.length === 0 && url && text.includes('"step":2,')) asked.push(ask(url), ask(url.replace(/.$/, '')));
        if (asked.length === 2 && text.includes('"kind":"val","step":4'))
          void Promise.all(asked).finally(() => child.kill('SIGKILL'));
      },
    );
    expect(killed.code).toBe(null);
    for (const line of killed.text.split('\n').filter((text) => text.startsWith('{'))) JSON.parse(line);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
    expect(killed.text).not.toMatch(/\u001b/);
    expect(killed.text.match(/token=/g)).toHaveLength(1);
    const [right, wrong] = await Promise.all(asked);
    expect(right![0]).toBe(200);
    expect(right![1]).toContain('<b>running</b>: The run is going on');
    expect(wrong![0]).toBe(403);

    await expect(stat(join(run, 'report.html'))).rejects.toThrow(/ENOENT/);
    const { status, stdout } = spawnSync(process.execPath, ['pipeline/report.js', run], {
      cwd: projectFolder,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, `${join(run, 'report.html')}\n`]);
    const advice = textOf(elements(await report(run), 'div')[0]!);
    expect(advice).toMatch(/^killed: .*--set training\.checkpoint_steps=2 --log-format json --resume auto --out /s);

    const resumed = await running(
      process.execPath,
      options(run, '--max-steps', '40', '--set', 'training.checkpoint_steps=2', '--resume', 'auto'),
      {},
    );
    expect(resumed.code).toBe(0);
    expect(resumed.text).toContain(`report: ${join(run, 'report.html')}`);
    const tree = await report(run);
    expect(textOf(tree)).toMatch(/max steps: The run reached the number of steps/);
    expect(textOf(tree)).toContain('steps40of 40');
    expect(elements(tree, 'img').map(({ attributes }) => attributes.alt)).toEqual(
      [1, 4, 8, 32].map((step) => `pairs of step ${step}`),
    );
    expect((await readdir(join(run, 'samples'))).sort()).toEqual(sampled.map(sheetName));
    const { format, width } = await sharp(join(run, 'samples', sheetName(32))).metadata();
    expect([format, width]).toEqual([
      'jpeg',
      elements(tree, 'img').map(({ attributes }) => Number(attributes.width))[3],
    ]);
    const summary = JSON.parse(await readFile(join(run, 'summary.json'), 'utf8'));
    expect(summary).toMatchObject({ planned_steps: 40, workers: { threads: 1, died: 0 } });
    expect(summary.error).toBeUndefined();

    const files = await readdir(join(run, 'tensorboard'));
    expect(files).toHaveLength(2);
    for (const name of files) expect(name).toMatch(/^events\.out\.tfevents\.\d+\./);
    if (noTensorBoard) return void console.info(noTensorBoard);
    const seen = readWithTensorBoard(join(run, 'tensorboard'));
    const metrics = (await readFile(join(run, 'metrics.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const steps = metrics.filter(({ kind }) => kind === undefined);
    const column = (key: string) => steps.map((row) => [row.step, Math.fround(row[key])]);
    const rounded = (tag: string) => seen.scalars[tag]!.map(([step, value]) => [step, Math.fround(value)]);
    expect(rounded('loss/total')).toEqual(column('loss'));
    expect(rounded('optimiser/learning_rate')).toEqual(column('lr'));
    expect(rounded('validation/auc').map(([step]) => step)).toEqual(
      metrics.filter(({ kind }) => kind === 'val').map(({ step }) => step),
    );
    expect(seen.images.samples!.map(([step, , , magic]) => [step, magic.slice(0, 4)])).toEqual(
      sampled.map((step) => [step, 'ffd8']),
    );
  }, 90_000);
});
