import { join, relative } from 'node:path';
import { Command } from 'commander';
import type { StfConfig } from '../../model/index.js';
import { writeDemoData } from '../demo/demoData.js';
import { EXIT, parseCommand, runCommand } from '../exitCodes.js';
import { projectFolder } from '../projectFolder.js';
import { Sampler } from '../sampler.js';
import { SynthesisTasks } from '../synthesisTasks.js';
import { executeRun } from '../training/executeRun.js';
import { type PreparedRun, prepareRun } from '../training/prepareRun.js';
import { drawSampleSheet } from '../training/sampleSheet.js';

/** Pairs on a contact sheet. */
const SHEET_PAIRS = 3;

const demoCommand = new Command('node pipeline/demo.js')
  .description('Renders talking heads, trains a small model on them and draws what it saw. Minutes on two cores.')
  .option('--out <folder>', 'where everything goes', join('runs', 'demo'))
  .option('--config <file>', 'YAML file with settings', join(projectFolder, 'configs', 'demo.yaml'))
  .option('--set <section.key=value>', 'one setting; may be repeated', (value, all: string[]) => [...all, value], [])
  .addHelpText('after', '\nExample:\n  node pipeline/demo.js --out /tmp/demo --set training.num_epochs=10')
  .action((options: DemoOptions) => runCommand(() => demo(options)));

type DemoOptions = { out: string; config: string; set: string[] };

async function demo({ out, config, set }: DemoOptions): Promise<number> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const begun = performance.now();
  const data = await writeDemoData(join(out, 'data'));
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  say(data.reused ? `demo faces: ${data.folder}` : `rendered ${data.clips} clips in ${seconds} s: ${data.folder}`);
  const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');
  const prepared = await prepareRun({
    config,
    set,
    phase: 'a',
    dataRoot: data.folder,
    out: join(out, `run-${stamp}`),
    logFormat: 'pretty',
  });
  const code = await executeRun(prepared).finally(() => prepared.dispose());
  if (code !== EXIT.done) return code;
  const folder = prepared.folder.path;
  const trained = await sheet(prepared, prepared.config, 'contact_sheet.png', 'What the demo trained on');
  const published = { ...prepared.config, sbi: { ...prepared.config.sbi, difficulty: 'default' as const } };
  const real = await sheet(
    prepared,
    published,
    'contact_sheet_default.png',
    'The same clips at sbi.difficulty=default',
  );
  const shown = (file: string) => relative(process.cwd(), file);
  say(`
Look at
  ${shown(trained)}           what the model saw: target, source, mask, blend over time
  ${shown(real)}   the same at the default difficulty, which a real run uses
  ${shown(join(folder, 'report.html'))}                 the run on one page: open it in a browser
  ${shown(join(folder, 'metrics.jsonl'))}               a line per step, and one per validation

The demo's fakes are made obvious so that a small network learns within minutes; the figure above says nothing about
real deepfakes. Next, with your own face crops:
  node pipeline/train.js --config configs/v8_4090.yaml --phase a --data-root <folder> --out runs/a`);
  return code;
}

async function sheet(
  { data, ids, personIn, folder, codec }: PreparedRun,
  config: StfConfig,
  name: string,
  title: string,
): Promise<string> {
  const tasks = new SynthesisTasks(config, data, codec?.name, ids, personIn);
  const sampler = new Sampler({ ids: ids.train, seed: config.seed, pairsPerMicro: 1, gradAccum: 1 });
  const plans = [...sampler.plans(1, Math.min(SHEET_PAIRS, ids.train.length))];
  return drawSampleSheet(
    plans.map((plan) => tasks.training(plan, plan.candidates[0]!)),
    folder.file(name),
    title,
  );
}

await parseCommand(demoCommand);
