import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import { DEPLOY } from '../support/rules.ts';

const root = join(DEPLOY, '..');
const text = (...path: string[]) => readFile(join(root, ...path), 'utf8');

t.test('each threat has a defence, and tests that are there and test', async (t) => {
  const page = await text('docs', 'threat-model.md');
  const boundaries = page.split(/^## (?=\d)/m).slice(1);
  t.equal(boundaries.length, 8, 'a section for each boundary of the drawing');
  for (const section of boundaries) {
    const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| threat'));
    t.ok(rows.length > 0, section.split('\n')[0] ?? '');
    for (const row of rows) {
      const [, threat = '', defence = '', tests = ''] = row
        .split(' | ')
        .map((cell) => cell.replace(/^\| | \|$/g, ''))
        .toSpliced(0, 0, '');
      t.ok(threat.length > 10 && defence.length > 10, threat);
      const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file]) => file as string);
      t.ok(files.length > 0, `${threat}: tests`);
      for (const file of files) {
        t.match(file, /^test\/.+\.ts$/, file);
        t.match(existsSync(join(root, file)) ? await text(file) : `${file} is not there`, /\bt\.test\(/, file);
      }
    }
  }
});

t.test('what the pages of security link to is there, and who looks finds them', async (t) => {
  for (const page of ['SECURITY.md', 'docs/threat-model.md', 'docs/licences.md']) {
    for (const [, target = ''] of (await text(page)).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      t.ok(existsSync(join(root, dirname(page), target)), `${page}: ${target}`);
  }
  const readme = await text('README.md');
  for (const page of ['SECURITY.md', 'docs/threat-model.md', 'docs/licences.md'])
    t.ok(readme.includes(`](${page})`), page);
  const words = (await text('SECURITY.md')).matchAll(/`npm run (\w+)`/g);
  const { scripts } = JSON.parse(await text('package.json')) as { scripts: Readonly<Record<string, string>> };
  for (const [, script = ''] of words) t.ok(scripts[script], `npm run ${script}`);
});
