import { Command } from 'commander';
import { isRole, nameProblem, newToken, tokenEntry } from '../access.ts';
import { UsageError } from '../errors.ts';
import { type Io, json as jsonText } from './io.ts';

const EXAMPLES = `
Examples:
  $ crossfade token ci operator       of a machine that moves routes
  $ crossfade token wallboard viewer  of one that looks

The token is shown once and kept nowhere. ADMIN_TOKENS takes its entry, which holds only a hash of it.`;

export function command(io: Io): Command {
  return new Command('token')
    .description('make a token for the admin API, with its entry for ADMIN_TOKENS')
    .argument('<name>', 'whose it is: the audit names it')
    .argument('<role>', 'viewer or operator')
    .option('--json', 'print data instead of text')
    .addHelpText('after', EXAMPLES)
    .action((name: string, role: string, { json }: { json?: boolean }) => {
      const wrong = nameProblem(name);
      if (wrong !== undefined) throw new UsageError(`the name ${wrong}`);
      if (!isRole(role)) throw new UsageError(`\`${role}\` is no role: it must be viewer or operator`);
      const token = newToken();
      const entry = tokenEntry(name, role, token);
      io.out(json ? jsonText({ name, role, token, entry }) : `token: ${token}\nentry: ${entry}\n`);
    });
}
