/** Values worth a column in a log search. Secrets never belong here. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** Structured log. Messages start with a capital letter, are in the past tense and carry no full stop. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger
}

/** Discards everything. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLogger,
}
