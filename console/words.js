/** The design's words that the page offers for choice; a test holds them against those of the façade. */

/** The stages in order, as the design has them. */
export const STAGES = Object.freeze([
  'legacy',
  'validate',
  'dynamodb',
  'dualwrite',
  'shadow',
  'live',
  'rampdown',
  'complete',
]);

/** Kinds of findings. */
export const KINDS = Object.freeze([
  'exposure',
  'status',
  'unanswerable',
  'missing',
  'extra',
  'type',
  'value',
  'order',
  'length',
  'notation',
  'header',
]);
export const PAIRS = Object.freeze(['legacy-dynamodb', 'legacy-mongodb', 'dynamodb-mongodb']);
export const STATES = Object.freeze(['exposure', 'persistent', 'unsettled', 'passing']);
