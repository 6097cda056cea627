/**
 * The share that is exceeded with a probability of 5 % at most where `differing` of `n` were seen to differ: 3/n where
 * none was ("rule of three"), else by the Poisson distribution, which is the careful side of the binomial.
 */
export function upperBound(differing: number, n: number): number {
  let [low, high] = [differing, differing + 4 * Math.sqrt(differing + 1) + 4];
  for (let round = 0; round < 60; round += 1) {
    const middle = (low + high) / 2;
    if (poissonAtMost(differing, middle) > 0.05) low = middle;
    else high = middle;
  }
  return Math.min(1, high / n);
}

/** Probability of at most `k` events where `mean` are expected. */
function poissonAtMost(k: number, mean: number): number {
  let logTerm = -mean;
  let sum = Math.exp(logTerm);
  for (let i = 1; i <= k; i += 1) {
    logTerm += Math.log(mean / i);
    sum += Math.exp(logTerm);
  }
  return sum;
}
