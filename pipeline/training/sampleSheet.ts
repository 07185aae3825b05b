import { type SynthesisTask, synthesisePair, type TracedFrame } from '../../workers/index.js';
import { drawContactSheet } from '../contactSheet/contactSheet.js';

/** Makes the pairs of some tasks once more, watching how, and draws them as one PNG. Returns the file. */
export async function drawSampleSheet(tasks: readonly SynthesisTask[], file: string, title: string): Promise<string> {
  const pairs = [];
  for (const task of tasks) {
    const frames: TracedFrame[] = [];
    await synthesisePair(task, { frame: (picture) => frames.push(picture) });
    pairs.push({ id: task.source.id, frames });
  }
  await drawContactSheet(pairs, file, { title });
  return file;
}
