import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeAtomically } from './atomicFile.js';
import { CheckpointError } from './checkpointError.js';
import type { HostTensor } from './hostTensor.js';
import { printable } from './printable.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

/** Entries of the file's metadata. */
const formatKey = 'format';
const formatName = 'stf-mamba.1';
const stateKey = 'state';
const digestKey = 'sha256';

const causes: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is larger than this system or user may write',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the file system is read-only',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EIO: 'the disk reports an error',
};

const causeOf = (error: unknown) => {
  const { code, message } = error as NodeJS.ErrnoException;
  return code && causes[code] ? `${causes[code]} (${code})` : message;
};

/** SHA-256 of state and tensors, so that bits that turned on the disk are noticed: the format itself has no checksum. */
function digestOf(tensors: ReadonlyMap<string, HostTensor>, state: string): string {
  const hash = createHash('sha256').update(state);
  for (const name of [...tensors.keys()].sort()) {
    const { dtype, shape, data } = tensors.get(name)!;
    hash.update(`\n${name} ${dtype} [${shape}]\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/**
 * Writes `<base>.safetensors` and a readable copy of the state as `<base>.json`.
 *
 * The state travels in the safetensors file itself, so the rename of that one file commits weights and state
 * together; a kill between the two files leaves at worst an old JSON copy, which nothing reads back.
 * Throws CheckpointError; when the disk refuses the weights, an earlier checkpoint of that name is still whole.
 */
export async function writeCheckpoint(
  base: string,
  tensors: ReadonlyMap<string, HostTensor>,
  state: object,
): Promise<void> {
  const text = JSON.stringify(state);
  const bytes = encodeSafetensors(tensors, {
    ...{ [formatKey]: formatName, [stateKey]: text, [digestKey]: digestOf(tensors, text) },
  });
  const path = `${base}.safetensors`;
  const copy = `${base}.json`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeAtomically(path, bytes);
  } catch (error) {
    throw new CheckpointError(
      `cannot write checkpoint ${path}: ${causeOf(error)}; an earlier one of that name is unchanged`,
      { cause: error },
    );
  }
  try {
    await writeAtomically(copy, `${JSON.stringify(state, null, 2)}\n`);
  } catch (error) {
    throw new CheckpointError(`wrote ${path}, but not its readable copy ${copy}: ${causeOf(error)}`, { cause: error });
  }
}

/**
 * Reads a checkpoint, or any safetensors file: `state` is then null.
 * Throws CheckpointError naming the file when it is missing, damaged or of another format.
 */
export async function readCheckpoint(
  path: string,
): Promise<{ tensors: Map<string, HostTensor>; state: Record<string, unknown> | null }> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new CheckpointError(`cannot read checkpoint ${path}: ${causeOf(error)}`, { cause: error });
  }
  try {
    const { tensors, metadata } = decodeSafetensors(bytes);
    const text = metadata[stateKey];
    if (metadata[formatKey] !== formatName || text === undefined) return { tensors, state: null };
    if (metadata[digestKey] !== undefined && metadata[digestKey] !== digestOf(tensors, text)) {
      throw new CheckpointError('its content does not match its checksum');
    }
    const state: unknown = JSON.parse(text);
    if (typeof state !== 'object' || state === null || Array.isArray(state)) {
      throw new CheckpointError('expected an object as state in its metadata');
    }
    return { tensors, state: state as Record<string, unknown> };
  } catch (error) {
    const { message } = error as Error;
    const problem = error instanceof CheckpointError ? message : printable(message);
    throw new CheckpointError(`checkpoint ${path} is damaged or not a safetensors file: ${problem}`, { cause: error });
  }
}
