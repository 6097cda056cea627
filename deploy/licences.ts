import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCKED, licencesPage } from './supply.ts';

/** A program: writes docs/licences.md, as the lockfile has it. */
await writeFile(join(import.meta.dirname, '../docs/licences.md'), licencesPage(LOCKED));
