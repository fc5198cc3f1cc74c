/** How many explorers do without, and what the limit was before the first of them. */
let without = 0
let limit = Error.stackTraceLimit

/**
 * Errors made until the returned function is called have no stack trace. Errors are part of most schedules, nobody
 * reads their traces, and taking one costs as much as answering a request.
 */
export function withoutStackTraces(): () => void {
  if (without++ === 0) {
    limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
  }
  return () => {
    if (--without === 0) Error.stackTraceLimit = limit
  }
}
