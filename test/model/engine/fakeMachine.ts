import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import type { PinnedWheel } from '../../../model/engine/install/enginePins.js';

/**
 * A machine for set-up to work on: a folder with an empty cache, a stand-in for the native package, a small wheel, and
 * programs `python3` and `g++` of ours as the only ones on the PATH. They are real child processes; `calls` tells how
 * often each was started.
 */
export class FakeMachine {
  readonly folder = mkdtempSync(join(tmpdir(), 'stf-setup-'));
  readonly cache = join(this.folder, 'cache');
  readonly packageFolder = join(this.folder, 'package');
  readonly said: string[] = [];
  readonly say = (line: string) => void this.said.push(line);
  readonly wheel: PinnedWheel;
  private readonly bin = join(this.folder, 'bin');
  private readonly log = join(this.folder, 'calls.log');

  constructor(tools: { python3?: 'with pip' | 'without pip' | false; gxx?: boolean } = {}) {
    const { python3 = 'with pip', gxx = true } = tools;
    for (const folder of [this.bin, join(this.packageFolder, 'binding')]) mkdirSync(folder, { recursive: true });
    writeFileSync(this.log, '');
    writeFileSync(join(this.packageFolder, 'package.json'), '{"version":"4.22.0"}');
    writeFileSync(join(this.packageFolder, 'binding', 'tfjs_backend.cc'), '// sources');
    // The tools below need a shell and these; nothing else of the real PATH is there.
    for (const program of ['sh', 'cp', 'sleep', 'head', 'mkdir']) symlinkSync(which(program), join(this.bin, program));

    const bytes = zipSync({
      'tensorflow/libtensorflow_cc.so.2': text('library '.repeat(1000)),
      'tensorflow/libtensorflow_framework.so.2': text('framework'),
      'tensorflow/include/tensorflow/c/c_api.h': text('// header'),
      'tensorflow/python/not_wanted.py': text('print()'),
    });
    const source = join(this.folder, 'source.whl');
    writeFileSync(source, bytes);
    this.wheel = {
      project: 'tensorflow-cpu',
      version: '2.21.0',
      file: 'tensorflow_cpu-2.21.0-fake.whl',
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
      take: ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2', 'tensorflow/include/'],
    };
    if (python3) {
      const pip = python3 === 'with pip' ? '0' : '1';
      // `pip download … --dest FOLDER NAME`: the folder is the argument before the last. FAKE_PIP tells how it behaves.
      this.program(
        'python3',
        `case "$*" in
          --version) exit 0 ;;
          "-m pip --version") echo "pip 23.2.1 from here"; exit ${pip} ;;
        esac
        for last; do :; done
        while [ "$1" != --dest ]; do shift; done
        sleep 0.3
        case "$FAKE_PIP" in
          offline) echo "ERROR: Could not connect to the index" >&2; exit 1 ;;
          broken) head -c 100 "${source}" > "$2/${this.wheel.file}" ;;
          *) cp "${source}" "$2/${this.wheel.file}" ;;
        esac`,
      );
    }
    if (gxx) {
      // The output file is the last argument.
      this.program(
        'g++',
        `[ "$1" = --version ] && exit 0
        [ -n "$FAKE_GXX_FAILS" ] && case "$*" in
          *"$FAKE_GXX_FAILS"*) echo "$FAKE_GXX_FAILS:1: error: no such thing" >&2; exit 1 ;;
        esac
        for last; do :; done
        echo "compiled $*" > "$last"`,
      );
    }
  }

  /** The environment for set-up: nothing of the real one but what is named here. */
  env(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return { PATH: this.bin, STF_CACHE: this.cache, ...more };
  }

  /** The argument lists with which a tool was started, versions asked for left out. */
  calls(tool: 'python3' | 'g++'): string[] {
    const lines = readFileSync(this.log, 'utf8').split('\n');
    return lines.filter((line) => line.startsWith(`${tool} `) && !line.endsWith('--version'));
  }

  /** How often an addon was linked. */
  links(file: 'tfjs_binding.node' | 'stf_engine.node'): number {
    return this.calls('g++').filter((call) => call.endsWith(file)).length;
  }

  private program(name: string, body: string): void {
    const path = join(this.bin, name);
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> "${this.log}"\n${body}\n`);
    chmodSync(path, 0o755);
  }
}

function which(program: string): string {
  for (const folder of ['/bin', '/usr/bin']) {
    const path = join(folder, program);
    try {
      readFileSync(path);
      return path;
    } catch {}
  }
  throw new Error(`no ${program} on this machine`);
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
