import type { Output } from '../live-view/display.ts'

/** A stream of this process as an output: redrawn on a terminal that can, in colour unless NO_COLOR is set. */
export function streamOutput(stream: NodeJS.WriteStream): Output {
  const { NO_COLOR, TERM } = process.env
  const terminal = stream.isTTY && TERM !== 'dumb'
  return {
    write(text) {
      stream.write(text)
    },
    get columns() {
      return terminal ? stream.columns : undefined
    },
    colour: terminal && (NO_COLOR === undefined || NO_COLOR === ''),
  }
}
