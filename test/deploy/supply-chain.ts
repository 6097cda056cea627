import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  ALLOWED,
  ALLOWED_IN_DEVELOPMENT,
  auditOf,
  INSTALL_SCRIPTS,
  isAllowed,
  KNOWN_ADVISORIES,
  LOCKED,
  licencesPage,
  UNSAID,
} from '../../deploy/supply.ts';
import manifest from '../../package.json' with { type: 'json' };
import { DEPLOY } from '../support/rules.ts';
import { run } from '../support/tools.ts';

const root = join(DEPLOY, '..');
const text = (...path: string[]) => readFile(join(root, ...path), 'utf8');

t.test('what is installed is what the lockfile says: from a registry, by its hash', async (t) => {
  t.ok(LOCKED.length > 300);
  t.same(
    LOCKED.filter(({ integrity }) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '')).map(({ place }) => place),
    [],
    'each with its hash',
  );
  t.same(
    LOCKED.filter(({ version }) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)).map(({ place }) => place),
    [],
    'none from a repository or an address',
  );
  t.same(
    LOCKED.filter(({ resolved, link }) => resolved !== undefined || link).map(({ place }) => place),
    [],
    'none bound to a host, none linked',
  );
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }))
    t.match(range, /^[\^~]?\d+\.\d+\.\d+$/, name);
  t.match(await text('.npmrc'), /^omit-lockfile-registry-resolved=true$/m);
});

t.test('whatever builds and releases installs by the lockfile alone', async (t) => {
  const places = [['Dockerfile'], ['deploy', 'release.workflow.yaml'], ['deploy', 'compose.yaml'], ['.ci', 'run']];
  const lines: string[] = [];
  for (const place of places) {
    for (const line of (await text(...place)).split('\n')) {
      for (const [words] of line.matchAll(/\bnpm (ci|cit|i|install|add|update|exec)\b[^&|;]*/g)) {
        lines.push(words);
        t.match(words, /^npm cit?\b/, `${place.at(-1)}: ${line.trim()}`);
        if (place[0] !== '.ci') t.match(words, /^npm cit|--ignore-scripts/, `${place.at(-1)}: ${line.trim()}`);
      }
    }
  }
  t.ok(lines.length >= 4, lines.join());
});

t.test('no package runs a script when it is installed', (t) => {
  const scripted = [...new Set(LOCKED.filter((one) => one.hasInstallScript).map(({ name }) => name))];
  t.same(scripted.sort(), Object.keys(INSTALL_SCRIPTS).sort(), 'deploy/supply.ts says why each need not');
  t.same(
    manifest.allowScripts,
    Object.fromEntries(scripted.map((name) => [name, false])),
    'package.json refuses each of them',
  );
  t.same(
    Object.keys(manifest.scripts).filter((name) => /^(pre|post)?(install|prepare)$/.test(name)),
    [],
    'nor does our own',
  );
  t.end();
});

t.test('every package has a licence that is allowed, and the page says which', async (t) => {
  const development = new Set([...ALLOWED, ...Object.keys(ALLOWED_IN_DEVELOPMENT)]);
  t.same(
    LOCKED.filter(({ license, shipped }) => !isAllowed(license, shipped ? ALLOWED : development)).map(
      ({ name, license }) => `${name}: ${license}`,
    ),
    [],
  );
  const used = LOCKED.map(({ license }) => license ?? '').join(' ');
  for (const license of [...ALLOWED, ...Object.keys(ALLOWED_IN_DEVELOPMENT)]) t.ok(used.includes(license), license);
  const names = new Set(LOCKED.map(({ name }) => name));
  for (const name of Object.keys(UNSAID)) t.ok(names.has(name), `${name} is still there`);
  t.equal(await text('docs', 'licences.md'), licencesPage(LOCKED), 'written by `npm run licences`');
});

t.test('an expression is allowed by one side of OR, and by both of AND', (t) => {
  const allowed = new Set(['MIT', 'ISC']);
  for (const one of ['MIT', '(MIT OR GPL-3.0)', 'GPL-3.0 OR ISC', 'MIT AND ISC']) t.ok(isAllowed(one, allowed), one);
  for (const one of [
    undefined,
    'GPL-3.0',
    'MIT AND GPL-3.0',
    '(GPL-3.0 OR AGPL-3.0)',
    'MIT AND (ISC OR GPL-3.0)',
    'UNLICENSED',
  ])
    t.notOk(isAllowed(one, allowed), String(one));
  t.end();
});

t.test('the audit tells what is open from what nobody says', (t) => {
  const advisory = { name: 'x', severity: 'high', title: 'Odd', url: 'https://advisories.example/GHSA-1' };
  const report = JSON.stringify({
    vulnerabilities: { x: { severity: 'high', via: [advisory, 'y'] }, y: { severity: 'high', via: ['x'] } },
  });
  t.same(auditOf(report, '2026-01-01'), { answered: true, open: [`x: high: Odd (${advisory.url})`] });
  t.same(auditOf('{"vulnerabilities":{}}', '2026-01-01'), { answered: true, open: [] });
  t.same(auditOf('{"message":"405 Method Not Allowed"}', '2026-01-01'), {
    answered: false,
    why: '405 Method Not Allowed',
  });
  t.match(auditOf('', '2026-01-01'), { answered: false });
  for (const [id, { reason, until }] of Object.entries(KNOWN_ADVISORIES)) {
    t.ok(reason.length > 20, id);
    t.match(until, /^20\d\d-\d\d-\d\d$/, id);
  }
  t.end();
});

t.test('no advisory is open', async (t) => {
  const { code, all } = await run('npm', ['run', '--silent', 'audit'], root);
  if (code === 3) {
    t.match(all, /NOT AUDITED/);
    // Seen in the summary of the run; a release is not made so: its workflow fails there.
    return void t.test('the registry was asked', { skip: all.trim() }, async () => {});
  }
  t.equal(code, 0, all);
});

t.test('a release is audited, and fails where it cannot be', async (t) => {
  const workflow = await text('deploy', 'release.workflow.yaml');
  t.match(workflow, /^ {6}- run: npm run audit\n[\s\S]*npm publish/m);
});
