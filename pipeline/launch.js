/** Runs a compiled command, or says how to compile it. Plain JavaScript, since it must run before anything is built. */
export async function launch(name) {
  const { existsSync } = await import('node:fs');
  const compiled = new URL(`../dist/pipeline/commands/${name}.js`, import.meta.url);
  if (!existsSync(compiled)) {
    process.stderr.write('nothing is compiled yet: run `npm ci && npm run setup` first\n');
    process.exit(2);
  }
  await import(compiled.href);
}
