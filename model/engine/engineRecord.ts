import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { engineRecordPath } from './nativePackage.js';
import { PROCESSOR_LEVELS } from './processorLevel.js';

const EngineRecordSchema = z.object({
  engine: z.enum(['tensorflow', 'tensorflow-cuda', 'wasm']),
  version: z.string(),
  reason: z.string(),
  /** On what it computed when set-up tried it. */
  device: z.enum(['cpu', 'gpu']).optional(),
  /** Named by the user with --engine, so that a later set-up without a name keeps it. */
  asked: z.enum(['tensorflow', 'tensorflow-cuda', 'wasm']).optional(),
  /** The processors and sources that our own operations were compiled for, or why they are missing. */
  operations: z
    .union([z.object({ level: z.enum(PROCESSOR_LEVELS), sources: z.string() }), z.object({ missing: z.string() })])
    .optional(),
});

/** What set-up chose for this checkout on this machine, and why. */
export type EngineRecord = z.infer<typeof EngineRecordSchema>;

/** The record of the last set-up, or undefined if there is none (or none that can be read: set-up writes a new one). */
export function readEngineRecord(path: string = engineRecordPath()): EngineRecord | undefined {
  try {
    return EngineRecordSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

export function writeEngineRecord(record: EngineRecord, path: string = engineRecordPath()): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileAtomic.sync(path, `${JSON.stringify(record, null, 2)}\n`);
}
