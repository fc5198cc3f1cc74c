/** Input that was refused; the message says what is wrong, why that matters and what to do. */
export class InputError extends Error {
  override readonly name = 'InputError'
}
