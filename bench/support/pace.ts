/** A connection that waits for its turn. */
export interface Paced {
  readonly write: () => void;
  /** There is no next turn. */
  readonly end: () => void;
}

/**
 * As many requests a second, whatever becomes of them: one that is late does not hold up the next. What comes back takes a
 * connection that is free, and gives each of its requests its turn. `times`: milliseconds from when each was due.
 */
export function createPace(rate: number, milliseconds: number, times: number[]): (connection: Paced) => void {
  const began = performance.now();
  const count = Math.floor((rate * milliseconds) / 1_000);
  const idle: Paced[] = [];
  const due = new Map<Paced, number>();
  let begun = 0;
  const next = (): number => began + (begun / rate) * 1_000;
  const isDue = (): boolean => begun < count && next() <= performance.now();
  const send = (one: Paced): void => {
    due.set(one, next());
    begun += 1;
    one.write();
  };
  const timer = setInterval(() => {
    while (idle.length > 0 && isDue()) send(idle.pop() as Paced);
    if (begun < count) return;
    clearInterval(timer);
    for (const one of idle.splice(0)) one.end();
  }, 1);
  return (one) => {
    const since = due.get(one);
    if (since !== undefined) times.push(performance.now() - since);
    if (isDue()) send(one);
    else if (begun < count) idle.push(one);
    else one.end();
  };
}
