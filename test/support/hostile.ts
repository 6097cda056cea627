/** What somebody could put into any text, each different, none longer than a tenant may be. */
export const HOSTILE: Readonly<Record<string, string>> = Object.freeze({
  script: '<script>pwned("script")</script>',
  image: '"><img src=/pwned onerror=pwned(1)>',
  end: '</script></style><svg onload=pwned(2)>',
  url: 'javascript:pwned(3)',
  template: '$' + '{pwned(4)}{{pwned}}%24%7B%7D&lt;b&gt;',
  ansi: '\u001b[31mred\u001b[2J\u0007',
  override: '\u202egnp.exe\u202d back\u2066',
  hebrew: 'שלום עולם',
  invisible: 'zero\u200bwidth\ufeff\u00ad',
  lines: 'two\nlines\r\nand\u2028more',
  proto: '__proto__',
  long: 'W'.repeat(120),
  zalgo: `z${'\u0300\u0301\u0316\u0334\u0489'.repeat(20)}algo`,
  emoji: '👩‍👩‍👧‍👦🏴‍☠️👍🏽',
});

/** A text that no store nor header holds, but JSON does. */
export const LONE = 'lone \ud800 surrogate \udfff';
