/** Data as it may be shown: control characters, and what turns the direction of text, as `\u{…}`; line ends stay. */
export function printable(text: string): string {
  return text.replace(
    /[^\P{C}\n]|[\u2028\u2029]/gu,
    (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`,
  );
}

/** The same for one line: line ends are shown too. */
export const printableLine = (text: string): string => printable(text).replaceAll('\n', '\\n');
