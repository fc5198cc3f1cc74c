import type { LogFields, Logger } from '@locktender/runtime'

/** A logger that writes warnings and errors, a line each, with the time of `now`. */
export function textLogger(write: (line: string) => void, now: () => number, base: LogFields = {}): Logger {
  const line =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      const values = Object.entries({ ...base, ...fields }).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      write([new Date(now()).toISOString(), level, message, ...values].join(' '))
    }
  return {
    debug: () => {},
    info: () => {},
    warn: line('WARN'),
    error: line('ERROR'),
    with: (fields) => textLogger(write, now, { ...base, ...fields }),
  }
}
