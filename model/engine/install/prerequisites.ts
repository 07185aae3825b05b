import { EngineError } from '../engineError.js';
import { WHEEL_PLATFORM } from './enginePins.js';
import { runTool } from './runTool.js';

/** What installing needs: `download` for fetching wheels, `compile` for the addon. */
export type Need = 'download' | 'compile';

type Tool = { need: Need; name: string; command: [string, ...string[]]; package: string };

const tools: Tool[] = [
  { need: 'download', name: 'python3', command: ['python3', '--version'], package: 'python3' },
  { need: 'download', name: 'pip', command: ['python3', '-m', 'pip', '--version'], package: 'python3-pip' },
  { need: 'compile', name: 'g++', command: ['g++', '--version'], package: 'g++' },
];

/** Why there can be no native engine on this machine, or undefined if there can. */
export function unsupportedPlatform(): string | undefined {
  const { os, arch, glibc } = WHEEL_PLATFORM;
  if (process.platform !== os || process.arch !== arch) {
    return `the native engine is built for ${os}-${arch} and this is ${process.platform}-${process.arch}`;
  }
  const installed = glibcVersion();
  if (installed === undefined) return 'the native engine needs glibc and this system has another C library (musl?)';
  if (olderThan(installed, glibc)) return `the native engine needs glibc ${glibc} or newer and this is ${installed}`;
  return undefined;
}

/**
 * Checks that the tools are there that the given steps need.
 * @throws EngineError naming every missing tool and how to get it.
 */
export async function requireTools(needs: Need[], env: NodeJS.ProcessEnv): Promise<void> {
  const missing: Tool[] = [];
  for (const tool of tools.filter((t) => needs.includes(t.need))) {
    const [program, ...args] = tool.command;
    const found = await runTool(program, args, env).then(
      ({ code }) => code === 0,
      () => false,
    );
    if (!found) missing.push(tool);
  }
  if (missing.length === 0) return;
  throw new EngineError(
    `${missing.map((t) => t.name).join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing; on Debian or Ubuntu: ` +
      `apt-get install ${missing.map((t) => t.package).join(' ')}`,
  );
}

function glibcVersion(): string | undefined {
  // A report lists network interfaces unless told not to, and may then wait for name servers.
  const { report } = process as unknown as { report: { excludeNetwork?: boolean; getReport(): unknown } };
  report.excludeNetwork = true;
  return (report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime;
}

function olderThan(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}
