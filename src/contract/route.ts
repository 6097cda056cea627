/** The contract's path template as Fastify's router takes it; parameters get names of ours, since theirs may hold anything. */
export function toFastifyPath(template: string): string {
  let count = -1;
  return template
    .split(/(\{[^}]*\})/)
    .map((part) => {
      if (!part.startsWith('{')) return part.replaceAll(':', '::');
      count += 1;
      return `:p${count}`;
    })
    .join('')
    .replace(/(:p\d+)(?=[^/:])/g, '$1(^[^/]*?)');
}

/** How well a raw path fits a template: literal segments, or `undefined` where it does not fit. More is better. */
export function fits(template: string, pathname: string): number | undefined {
  const wanted = template.split('/');
  const given = pathname.split('/');
  if (wanted.length !== given.length) return undefined;
  let literal = 0;
  for (const [at, segment] of wanted.entries()) {
    if (segment === given[at]) literal += 1;
    else if (!segmentPattern(segment).test(given[at] as string)) return undefined;
  }
  return literal;
}

const segmentPattern = (segment: string): RegExp =>
  new RegExp(
    `^${segment
      .split(/\{[^}]*\}/)
      .map((part) => part.replace(/[^\w]/g, '\\$&'))
      .join('[^/]+')}$`,
  );
