import { changeLines } from './changes.ts'
import { render } from './render.ts'
import type { Screen } from './render.ts'

/** The terminal or pipe to show things on. */
export interface Output {
  write(text: string): void
  /** Columns of the terminal; undefined when the output cannot be redrawn. */
  readonly columns: number | undefined
  readonly colour: boolean
}

/** Shows the screen: drawn over itself on a terminal, a line for each change elsewhere. */
export class Display {
  readonly #output: Output
  #shown: Screen | undefined
  #height = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** Shows `screen` now. On a terminal call it at most five times a second. */
  show(screen: Screen): void {
    const { columns, colour } = this.#output
    if (columns === undefined) {
      for (const line of changeLines(this.#shown, screen)) this.#output.write(`${line}\n`)
    } else {
      const lines = render(screen, { width: Math.min(columns - 1, 120), colour })
      const up = this.#height > 0 ? `\u001B[${this.#height}A` : ''
      // Erases line by line and then what is left below, so that nothing flickers.
      this.#output.write(`${up}${lines.map((line) => `${line}\u001B[K\n`).join('')}\u001B[J`)
      this.#height = lines.length
    }
    this.#shown = screen
  }
}
