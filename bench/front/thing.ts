/** 0.8 kB as JSON. */
export const THING = Object.freeze({ id: 't-1', text: 'What stands here is written once. '.repeat(23) });
