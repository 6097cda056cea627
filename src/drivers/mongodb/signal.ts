import type { Deadline } from '../../model/deadline.ts';

/**
 * A deadline as the driver asks it, three times for each read: an AbortSignal at a small part of what a real one costs,
 * whose listeners Node keeps by weak references. It tells listeners of `abort` and nothing else.
 */
export class DeadlineSignal implements AbortSignal {
  readonly onabort = null;
  readonly #deadline: Deadline;
  #listeners: Listener[] = [];
  #reason: DOMException | undefined;

  constructor(deadline: Deadline) {
    this.#deadline = deadline;
    if (!deadline.passed) deadline.onPassed(() => this.dispatchEvent(new Event('abort')));
  }

  get aborted(): boolean {
    return this.#deadline.passed;
  }

  /** The same each time: the driver knows by it whose error one is. */
  get reason(): DOMException | undefined {
    if (this.aborted) this.#reason ??= new DOMException('the deadline has passed', 'TimeoutError');
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(type: string, listener: Listener | null): void {
    if (type === 'abort' && listener !== null && !this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeEventListener(_type: string, listener: Listener | null): void {
    const at = listener === null ? -1 : this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }

  /** Each listener once: a deadline passes once. */
  dispatchEvent(event: Event): boolean {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners)
      if (typeof listener === 'function') listener.call(this, event);
      else listener.handleEvent(event);
    return true;
  }
}

type Listener = NonNullable<Parameters<AbortSignal['addEventListener']>[1]>;
