#!/usr/bin/env node
import { launch } from './launch.js';

const commands = [
  'setup',
  'demo',
  'preprocess',
  'train',
  'evaluate',
  'detect',
  'report',
  'replay',
  'verify-data',
  'splits',
  'sweep',
  'pod',
];
const [name, ...rest] = process.argv.slice(2);
if (commands.includes(name)) {
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...rest);
  await launch(name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()));
} else {
  // The usage is said without what the commands are compiled to, and so is that it could not be said.
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code, message }) => {
    if (code === 'EPIPE' || code === 'EIO') return; // nobody reads it any more
    process.stderr.write(`error: cannot write to standard output: ${message}\n`);
    process.exitCode = 2;
  });
  const wanted = name === undefined || name === '--help' || name === '-h';
  const text = `usage: stf-mamba <${commands.join('|')}> [options]\nstf-mamba <command> --help says more\n`;
  (wanted ? process.stdout : process.stderr).write(wanted ? text : `unknown command "${name}"\n${text}`);
  process.exitCode = wanted && name !== undefined ? 0 : 2;
}
