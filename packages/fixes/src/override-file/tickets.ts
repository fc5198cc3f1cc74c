const marker = /^\s*#\s*(Beginning|End) of ([A-Z][A-Z0-9]*-\d+)\b/

/**
 * The ticket each line belongs to, by the file's convention of comments: "Beginning of KEY …" and "End of KEY …".
 * Sections may nest and may be ended more often than begun, as they are in practice. Index 0 is line 1.
 */
export function ticketsByLine(lines: readonly string[]): readonly (string | undefined)[] {
  const open: string[] = []
  return lines.map((line) => {
    const match = marker.exec(line)
    if (match !== null) {
      const ticket = match[2]!
      if (match[1] === 'Beginning') {
        open.push(ticket)
      } else {
        const index = open.lastIndexOf(ticket)
        if (index >= 0) open.splice(index, 1)
      }
    }
    return open.at(-1)
  })
}
