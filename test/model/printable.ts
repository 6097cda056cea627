import t from 'tap';
import { printable, printableLine } from '../../src/model/printable.ts';

t.test('what cannot be seen is shown', async (t) => {
  t.equal(printable('Zoë 写真 👍 "quoted" \\'), 'Zoë 写真 👍 "quoted" \\');
  t.equal(
    printable('\u001b[31m\u202eevil\u200b\u2028\u2029\u0000\r'),
    '\\u{1b}[31m\\u{202e}evil\\u{200b}\\u{2028}\\u{2029}\\u{0}\\u{d}',
  );
  t.equal(printable('one\ntwo'), 'one\ntwo');
  t.equal(printableLine('one\ntwo\n\t'), 'one\\ntwo\\n\\u{9}');
});
