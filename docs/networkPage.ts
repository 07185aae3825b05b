import * as tf from '@tensorflow/tfjs';
import { debug, phaseA, phaseB, type StfConfig } from '../model/config/stfConfig.js';
import { type SegmentVisit, watchSegments } from '../model/layers/segment.js';
import { StfMamba } from '../model/stfMamba.js';

/*
 * Draws the network from a run of it: the parts are the segments that a clip passes, and the lines between them are
 * found on the gradient tape, which records what was computed from what.
 */

type Line = { from: string; to: string; through: string };
type Drawing = { title: string; visits: SegmentVisit[]; lines: Line[]; parameters: number; frames: number };

const phaseBFeatures = { use_hydra: true, use_mamer: true, use_wss: true, use_adaptive_sdim: true };
const networks: [string, () => StfConfig][] = [
  ['Phase A and baseline, default size', phaseA],
  ['Phase B, default size', phaseB],
  ['Phase A and baseline, debug size', debug],
  ['Phase B, debug size', () => ({ ...debug(), ...phaseBFeatures })],
];

/** Operations between parts that are worth a mark on the line; reshaping and slicing are not. */
const marks: Record<string, string> = {
  Add: '+',
  AddV2: '+',
  Multiply: '×',
  RealDiv: '÷',
  Mean: 'mean',
  Max: 'max',
};

/** The page as Markdown. The engine must have been started. */
export function networkPage(): string {
  return `${[introduction, ...networks.map(([title, config]) => describeNetwork(draw(title, config())))].join('\n\n')}\n`;
}

const introduction = `# The network

<!-- Written by \`npm run docs:network\` from a run of the network; a test compares. Do not edit. -->

Shapes are those of one clip, without the batch: time × height × width × channels for maps, time × channels for tokens.
A clip of uint8 pixels enters \`stem\`; \`dwt\` transforms the stem's map and measures the energies; each \`dwt.gate\`
multiplies a stage's maps by 1 + A. Names are those of the tensors in a checkpoint. Marks on the lines: \`×\` product,
\`+\` sum, \`mean\` over the positions of a frame.`;

function draw(title: string, config: StfConfig): Drawing {
  // Starting values do not matter here; recomputation keeps the tape to what lies between the parts.
  const model = new StfMamba({ ...config, grad_checkpoint: true }, () => 0.5);
  const visits: SegmentVisit[] = [];
  const lines: Line[] = [];
  tf.tidy(() => {
    const { num_frames: frames, img_size: size } = config;
    const bias = model.parameters.get('head.fc.bias')!;
    const clips = tf.zeros<tf.Rank.R5>([1, frames, size, size, 3], 'int32');
    tf.variableGrads(() => {
      const output = watchSegments(
        (visit) => visits.push(visit),
        () => model.forward(clips),
      );
      lines.push(...linesBetween(clips, visits, output));
      // Only what the tape holds is of interest; a loss of its own spares the backward pass.
      return tf.sum(bias) as tf.Scalar;
    }, [bias]);
  });
  const drawn = new Set(visits.flatMap(({ weights }) => weights));
  for (const [name, variable] of model.parameters) {
    if (!drawn.has(variable)) throw new Error(`Expected every parameter in some part of the drawing, but not ${name}`);
  }
  const parameters = model.countParameters();
  model.dispose();
  return { title, visits, lines, parameters, frames: config.num_frames };
}

/** Follows the tape from what enters each part, and from the outputs, back to the parts that it was made of. */
function linesBetween(clips: tf.Tensor, visits: readonly SegmentVisit[], output: Record<string, tf.Tensor>): Line[] {
  const source = new Map<number, string>([[clips.id, 'clip']]);
  const operations = new Map(
    (tf.engine().state.activeTape ?? []).flatMap((node) => node.outputs.map(({ id }) => [id, node])),
  );
  const found = new Map<string, Line>();
  const follow = (id: number, to: string, through: readonly string[]) => {
    const from = source.get(id);
    const node = operations.get(id);
    if (from !== undefined) {
      const line = { from, to, through: [...new Set(through)].join(' ') };
      found.set(JSON.stringify(line), line);
    } else if (node) {
      const mark = marks[node.kernelName];
      for (const input of Object.values(node.inputs)) follow(input.id, to, mark ? [mark, ...through] : through);
    }
  };
  for (const { name, inputs, outputs } of visits) {
    for (const { id } of inputs) follow(id, name, []);
    for (const { id } of outputs) source.set(id, name);
  }
  for (const [name, { id }] of Object.entries(output)) follow(id, name, []);
  return [...found.values()];
}

function describeNetwork({ title, visits, lines, parameters, frames }: Drawing): string {
  const key = (name: string) => name.replace(/\W/g, '_');
  const outputs = [...new Set(lines.map(({ to }) => to))].filter((to) => visits.every(({ name }) => name !== to));
  const largest = (tensors: readonly tf.Tensor[]) => tensors.reduce((a, b) => (b.size > a.size ? b : a));
  const nodes = visits.map(
    ({ name, outputs }) => `  ${key(name)}["${name}<br/>${shapeText(largest(outputs), frames)}"]`,
  );
  const arrows = lines.map(
    ({ from, to, through }) => `  ${key(from)} -->${through ? `|"${through}"|` : ''} ${key(to)}`,
  );
  const drawing = [
    'flowchart TD',
    '  clip([clip])',
    ...nodes,
    ...outputs.map((name) => `  ${name}([${name}])`),
    ...arrows,
  ];
  const counted = new Set<tf.Variable>();
  const rows = visits.map(({ name, inputs, outputs, weights }) => {
    // A parameter that several parts read counts where it is read first.
    const own = weights.filter((weight) => !counted.has(weight));
    for (const weight of own) counted.add(weight);
    const size = own.reduce((sum, weight) => sum + weight.size, 0);
    const shapes = (tensors: readonly tf.Tensor[]) => tensors.map((tensor) => shapeText(tensor, frames)).join(', ');
    return [`\`${name}\``, shapes(inputs), shapes(outputs), grouped(size)];
  });
  return [
    `## ${title}`,
    `${grouped(parameters)} parameters.`,
    ['```mermaid', ...drawing, '```'].join('\n'),
    table(['part', 'in', 'out', 'parameters'], rows),
  ].join('\n\n');
}

/** A Markdown table as the formatter would leave it, the last column to the right. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const last = titles.length - 1;
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, i) => (i === last ? cell.padStart(widths[i]) : cell.padEnd(widths[i])));
    return `| ${padded.join(' | ')} |`;
  };
  const rule = line(widths.map((width, i) => (i === last ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))));
  return [line(titles), rule, ...rows.map(line)].join('\n');
}

const grouped = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ' ');

/** Folded rows `[T·n·n, C]` are unfolded: `T×n×n×C`, T the frames or half of them for wavelet coefficients. */
function shapeText({ shape, rank }: tf.Tensor, frames: number): string {
  if (rank === 2) {
    for (const steps of [frames, frames / 2]) {
      const side = Math.sqrt(shape[0] / steps);
      if (Number.isInteger(side) && side > 0) return [steps, side, side, shape[1]].join('×');
    }
  }
  const own = rank > 0 && shape[0] === 1 ? shape.slice(1) : shape;
  return own.length > 0 ? own.join('×') : '1';
}
