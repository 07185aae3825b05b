import { inspect } from 'node:util';
import { type Command, CommanderError } from 'commander';
import { CheckpointError, ConfigError, EngineError } from '../model/index.js';
import { FailureBudgetExceeded, JsonLinesError, RecordingError, StreamStalledError } from '../operators/index.js';
import { CodecUnavailableError, RecipeError } from '../workers/index.js';
import { DataLostError } from './data/dataWatch.js';
import { ScoringError } from './evaluation/scoreActorClient.js';
import { endProcess } from './run/endProcess.js';
import { outliveTerminal } from './terminal/outliveTerminal.js';
import { UnfilledPositionError } from './training/fillPosition.js';
import { StuckError } from './training/stuckWatch.js';
import { TrainingError } from './training/trainActorClient.js';
import { UserError } from './userError.js';

/** Exit codes that scripts rely on. */
export const EXIT = { done: 0, input: 2, samples: 3, training: 4, sigint: 130, sigterm: 143 } as const;

/** The exit code of an error that has a message for the user; undefined for a bug of ours, which deserves its stack. */
export function exitCodeOf(error: unknown): number | undefined {
  for (const samplesError of [FailureBudgetExceeded, UnfilledPositionError, DataLostError, StreamStalledError])
    if (error instanceof samplesError) return EXIT.samples;
  if (error instanceof TrainingError || error instanceof ScoringError) return EXIT.training;
  for (const inputError of [
    UserError,
    ConfigError,
    CheckpointError,
    EngineError,
    JsonLinesError,
    RecordingError,
    RecipeError,
    CodecUnavailableError,
  ])
    if (error instanceof inputError) return EXIT.input;
  return undefined;
}

/** Runs a command to its exit code; a known error becomes one message on standard error, with STF_DEBUG=1 its stack. */
export async function runCommand(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    const code = exitCodeOf(error);
    process.stderr.write(
      code === undefined
        ? `internal error, please report it: ${error instanceof Error ? error.stack : String(error)}\n`
        : `error: ${(error as Error).message}\n${process.env.STF_DEBUG ? `${inspect(error)}\n` : ''}`,
    );
    if (error instanceof StuckError) endProcess(EXIT.training);
    process.exitCode = code ?? EXIT.training;
  }
}

/**
 * Parses the command line and runs the command; a wrong option ends with the exit code of wrong input. Neither a closed
 * terminal nor a reader that goes away ends it.
 */
export async function parseCommand(command: Command): Promise<void> {
  outliveTerminal(EXIT.input);
  try {
    await command.exitOverride().parseAsync();
  } catch (error) {
    // Commander has printed its own message; asking for help is no failure.
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.input;
  }
}
