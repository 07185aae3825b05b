import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const python = (page: string) => [...page.matchAll(/```python\n([\s\S]*?)```/g)].map(([, code]) => code!);

it('shows in the README only Python of docs/interchange.md, which is run against PyTorch', () => {
  const [shown, run] = [python(read('README.md')), python(read('docs/interchange.md'))];
  expect(shown).toHaveLength(1);
  for (const code of shown) expect(run.some((block) => block.includes(code))).toBe(true);
});
