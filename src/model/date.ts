const MOMENT = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Whether a text is a day that there is (`2027-01-31`), or a moment of one that says its time zone. `Date.parse` takes
 * much more, and reads it by guess: `someday 2099` is a year, 31 February is in March.
 */
export function isMoment(text: unknown): text is string {
  const [, day] = (typeof text === 'string' && MOMENT.exec(text)) || [];
  if (day === undefined || Number.isNaN(Date.parse(text as string))) return false;
  const time = Date.parse(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}
