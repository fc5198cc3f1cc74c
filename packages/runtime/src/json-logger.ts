import type { LogFields, Logger } from './logger.ts'

/** Writes one JSON object a line; `now` gives milliseconds since the epoch. */
export function jsonLogger(write: (line: string) => void, now: () => number, base: LogFields = {}): Logger {
  const log = (level: string) => (message: string, fields?: LogFields) => {
    write(JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...base, ...fields }))
  }
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    with: (fields) => jsonLogger(write, now, { ...base, ...fields }),
  }
}
