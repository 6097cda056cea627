import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import t from 'tap';
import { importComplaints } from './support/imports.ts';

const root = join(import.meta.dirname, '..', 'src');

t.test('imports in src/ point one way', async (t) => {
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const files = new Map<string, string>();
  for (const name of names) files.set(name.split(sep).join('/'), await readFile(join(root, name), 'utf8'));
  t.strictSame(importComplaints(files), []);
});

const cases = [
  { of: 'a step up', file: 'model/a.ts', source: "import { x } from '../bindings/b.ts';", wrong: true },
  {
    of: 'a step up for a type',
    file: 'contract/a.ts',
    source: "import type { X } from '../bindings/b.ts';",
    wrong: true,
  },
  { of: 'a step aside', file: 'flags/a.ts', source: "import { x } from '../results/b.ts';", wrong: true },
  {
    of: 'a step aside over lines',
    file: 'flags/a.ts',
    source: "import {\n  x,\n} from '../results/b.ts';",
    wrong: true,
  },
  { of: 'a re-export', file: 'flags/a.ts', source: "export * from '../results/b.ts';", wrong: true },
  { of: 'a dynamic import', file: 'flags/a.ts', source: "const x = await import('../results/b.ts');", wrong: true },
  { of: 'an unknown folder', file: 'utils/a.ts', source: '', wrong: true },
  { of: 'a way out of src', file: 'model/a.ts', source: "import '../../test/b.ts';", wrong: true },
  { of: 'a driver elsewhere', file: 'origins/a.ts', source: "import { MongoClient } from 'mongodb';", wrong: true },
  { of: 'a type of a driver', file: 'origins/a.ts', source: "import type { Db } from 'mongodb';", wrong: false },
  {
    of: 'a driver in drivers',
    file: 'drivers/a.ts',
    source: "import { x } from '@aws-sdk/lib-dynamodb';",
    wrong: false,
  },
  { of: 'a step down', file: 'origins/a.ts', source: "import { x } from '../drivers/b.ts';", wrong: false },
  { of: 'a neighbour', file: 'flags/a.ts', source: "import { x } from './b.ts';", wrong: false },
  {
    of: 'a type of the model',
    file: 'errors.ts',
    source: "import type { Stage } from './model/stage.ts';",
    wrong: false,
  },
];
for (const { of, file, source, wrong } of cases) {
  t.test(`${of} is ${wrong ? 'refused' : 'fine'}`, async (t) => {
    t.equal(importComplaints(new Map([[file, source]])).length, wrong ? 1 : 0);
  });
}
