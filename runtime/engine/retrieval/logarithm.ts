const TERMS = 24

/**
 * Natural logarithm of a number above zero, by + - * / alone: `Math.log` may differ in its last bit between engines,
 * and a rank must not.
 */
export function naturalLogarithm(value: number): number {
  let halvings = 0
  let mantissa = value
  for (; mantissa > 1.5; mantissa /= 2) halvings += 1
  for (; mantissa < 0.75; mantissa *= 2) halvings -= 1
  const ratio = (mantissa - 1) / (mantissa + 1)
  let power = ratio
  let sum = 0
  for (let term = 0; term < TERMS; term++) {
    sum += power / (2 * term + 1)
    power *= ratio * ratio
  }
  return halvings * Math.LN2 + 2 * sum
}
