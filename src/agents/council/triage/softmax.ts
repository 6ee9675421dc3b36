/** The probabilities of classes, from their scores. */
export function softmax(scores: readonly number[]): number[] {
  const highest = Math.max(...scores)
  const powers = scores.map((score) => exponential(score - highest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

const ln2 = 0.6931471805599453

/**
 * The exponential function of a number that is 0 or less, from + - * / alone. `Math.exp` may differ in its last digit between
 * engines; weights that are trained with this function are the same everywhere.
 */
function exponential(x: number): number {
  if (x < -700) return 0
  const halvings = Math.floor(0.5 - x / ln2)
  const rest = x + halvings * ln2
  let term = 1
  let sum = 1
  for (let n = 1; n <= 14; n++) {
    term *= rest / n
    sum += term
  }
  for (let n = 0; n < halvings; n++) sum /= 2
  return sum
}
