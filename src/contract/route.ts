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
