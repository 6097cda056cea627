import { spawnSync } from 'node:child_process';
import { auditOf } from './supply.ts';

/**
 * A program: asks the registry for advisories on what the lockfile names. Exit code 0: none; 1: some that are not known; 3: the
 * registry does not answer that question, and nothing was checked.
 */
const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8', maxBuffer: 2 ** 26 });
const audit = auditOf(stdout, new Date().toISOString().slice(0, 10));
if (audit.answered) {
  for (const line of audit.open) console.error(line);
  console.log(audit.open.length === 0 ? 'No advisory is open.' : `${audit.open.length} advisories are open.`);
  process.exitCode = audit.open.length === 0 ? 0 : 1;
} else {
  console.error(`NOT AUDITED: the registry does not say what is known of these packages: ${audit.why}`);
  process.exitCode = 3;
}
