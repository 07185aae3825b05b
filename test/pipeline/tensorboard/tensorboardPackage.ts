import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { missingProgram } from '../../missingProgram.js';

const python = process.env.PYTHON ?? 'python3';
const script = fileURLToPath(new URL('../../fixtures/scripts/read_tensorboard.py', import.meta.url));

/** Why TensorBoard's own package cannot be asked here; undefined where it can. */
export const noTensorBoard: string | undefined = missingProgram(
  spawnSync(python, ['-c', 'import tensorboard']).status === 0
    ? undefined
    : `skipped: ${python} has no package tensorboard (pip install tensorboard setuptools; PYTHON=… names another)`,
);

export type SeenByTensorBoard = {
  scalars: Record<string, [step: number, value: number][]>;
  images: Record<string, [step: number, width: number, height: number, magic: string][]>;
};

/** What TensorBoard reads from a folder of event files. */
export function readWithTensorBoard(folder: string): SeenByTensorBoard {
  const { status, stdout, stderr } = spawnSync(python, [script, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`TensorBoard could not read ${folder}: ${stderr}`);
  return JSON.parse(stdout.replaceAll('NaN', 'null')) as SeenByTensorBoard;
}
