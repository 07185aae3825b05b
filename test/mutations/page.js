/** The table of docs/mutations.md. Rows: module, what stood there, what stood there instead, test file, failed test. */
export function page(rows) {
  const code = (text) =>
    `\`${text
      .trim()
      .replace(/\s*\n\s*/g, ' ⏎ ')
      .replaceAll('|', '\\|')
      .replaceAll('`', "'")}\``;
  const short = (path) => path.replace(/^(test\/)?model\//, '').replace(/\.test\.ts$|\.ts$/, '');
  const plain = (text) => text.replaceAll('|', '\\|').replaceAll('<', '\\<');
  const lines = rows.map(([module, from, to, test, failed]) => {
    const change = to === '' ? `${code(from)} left out` : `${code(from)} → ${code(to)}`;
    return `| ${short(module)} | ${change} | ${short(test)}: ${plain(failed)} |`;
  });
  return `${introduction}\n| module | change | the test that fails: file, first of its tests |\n| --- | --- | --- |\n${lines.join('\n')}\n`;
}

const introduction = `# Do the tests notice?

<!-- Written by \`npm run mutations\`. Do not edit. -->

A test that cannot fail proves nothing. So one place of a module is made wrong, a sign, an index, an order, in a copy of
the model room, and the test named here has to fail: \`npm run mutations\` tries all that
[test/mutations/mutations.json](../test/mutations/mutations.json) lists and writes this page,
\`npm run mutations -- wavelet losses\` only tries modules whose path has one of the words. When a module is added, add a line.

Modules without arithmetic (types, interfaces) are not listed. Where a layer has a form of its own operations and one of
TensorFlow's, either may be the one that is changed.
`;
