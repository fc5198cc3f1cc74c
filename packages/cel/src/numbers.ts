/** A double in the shortest form that reads back as the same, as Go writes it: `1e+06`, `0.5`, `+Inf`. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e')
  const exponent = Number(exponentText)
  const digits = mantissa.replace(/[-.]/g, '')
  // Go writes an exponent from a million on and below a ten thousandth.
  if (exponent >= -4 && exponent < 6) return plain(value < 0, digits, exponent)
  return withExponent(mantissa, exponent)
}

function plain(negative: boolean, digits: string, exponent: number): string {
  const sign = negative ? '-' : ''
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  const fraction = digits.slice(exponent + 1)
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** A mantissa and exponent with at least two digits: `1.5e-07`. */
export function withExponent(mantissa: string, exponent: number): string {
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}
