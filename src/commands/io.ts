/** A command's outside: where it prints, what it is told. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly color: boolean;
}

/** The process's own. Colour only on a terminal, and never where NO_COLOR is set. */
export function processIo(): Io {
  return Object.freeze({
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
    color: process.stdout.isTTY === true && !process.env.NO_COLOR,
  });
}

/** Data for programs: what would turn a terminal's head is escaped, as JSON allows. */
export const json = (value: unknown): string =>
  `${JSON.stringify(value, null, 2).replace(/[^\P{C}\n]|[\u2028\u2029]/gu, (character) =>
    [...Array(character.length)].map((_, at) => escaped(character.charCodeAt(at))).join(''),
  )}\n`;

const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
