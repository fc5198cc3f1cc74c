import { spawn } from 'node:child_process'
import { Failure } from './failure.ts'

/** What a program said until it ended. */
export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A text as it must be, or a pattern for it. */
export type Expected = string | RegExp

export interface Expectations {
  readonly input?: string | object
  /** 0 when absent. */
  readonly code?: number
  /** Nothing when absent. */
  readonly stderr?: Expected
}

/** A time as columns called AGE and the like show it. */
export const age = /^(\d+[smhdy]){1,2}$|^<invalid>$/

/** A program for the command line with its settings, and what it must say. */
export class Program {
  readonly #path: string
  readonly #environment: Readonly<Record<string, string>>
  readonly #signal: AbortSignal

  constructor(path: string, environment: Readonly<Record<string, string>>, signal: AbortSignal) {
    this.#path = path
    this.#environment = environment
    this.#signal = signal
  }

  /** The same program with more environment variables. */
  protected with(environment: Readonly<Record<string, string>>): Program {
    return new Program(this.#path, { ...this.#environment, ...environment }, this.#signal)
  }

  /** Runs a command to its end. A text is split at its spaces. */
  async run(command: string | readonly string[], input?: string | object): Promise<Said> {
    const running = this.start(command)
    running.write(typeof input === 'object' ? JSON.stringify(input) : (input ?? ''))
    return running.ended
  }

  start(command: string | readonly string[]): Running {
    return new Running(this.#path, argumentsOf(command), this.#environment, this.#signal)
  }

  /** Runs a command that must succeed; compares everything it says, and returns its output. */
  async says(command: string | readonly string[], stdout: Expected, more: Expectations = {}): Promise<string> {
    const { input, code = 0, stderr = '' } = more
    const said = await this.run(command, input)
    const wrong =
      (said.code === code ? undefined : `exit code must be ${code}, but is ${said.code}`) ??
      difference('stdout', said.stdout, stdout) ??
      difference('stderr', said.stderr, stderr)
    if (wrong === undefined) return said.stdout
    const typed = argumentsOf(command).join(' ')
    throw new Failure(`${typed}\n${wrong}\n--- stdout\n${said.stdout}--- stderr\n${said.stderr}`)
  }

  /** Runs a command that must fail with this on stderr, and nothing on stdout unless `stdout` says so. */
  async fails(
    command: string | readonly string[],
    stderr: Expected,
    more: Omit<Expectations, 'stderr'> & { readonly stdout?: Expected } = {},
  ): Promise<void> {
    await this.says(command, more.stdout ?? '', { code: 1, ...more, stderr })
  }

  /** Runs a command that must print a table with these cells. */
  async table(
    command: string | readonly string[],
    rows: readonly (readonly (Expected | undefined)[])[],
    more: Expectations = {},
  ): Promise<void> {
    const stdout = await this.says(command, /[^]/, more)
    checkTable(argumentsOf(command).join(' '), stdout, rows)
  }
}

/** Throws unless the text is a table with these cells; an undefined cell may be anything. */
export function checkTable(what: string, text: string, rows: readonly (readonly (Expected | undefined)[])[]): void {
  const lines = text.replace(/\n$/, '').split('\n')
  const fail = (why: string): never => {
    throw new Failure(`${what}\n${why}:\n${text}`)
  }
  if (lines.length !== rows.length) fail(`must print ${rows.length} lines`)
  for (const [index, row] of rows.entries()) {
    const cells = lines[index]!.trimEnd().split(/ {2,}/)
    if (cells.length !== row.length) fail(`line ${index + 1} must have ${row.length} cells`)
    for (const [column, expected] of row.entries()) {
      if (expected !== undefined && !fits(cells[column]!, expected)) {
        fail(`line ${index + 1} must have ${String(expected)} in column ${column + 1}`)
      }
    }
  }
}

/** A program at work. */
export class Running {
  readonly ended: Promise<Said>
  readonly #child: ReturnType<typeof spawn>
  readonly #signal: AbortSignal
  #stdout = ''
  #stderr = ''
  #waiting: (() => void)[] = []

  constructor(path: string, args: readonly string[], env: Readonly<Record<string, string>>, signal: AbortSignal) {
    this.#signal = signal
    this.#child = spawn(path, args, { env, stdio: 'pipe', signal, killSignal: 'SIGKILL' })
    this.#child.stdin!.on('error', () => undefined)
    const wake = (): void => {
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      wake()
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      wake()
    })
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code) => {
        resolve({ code: code ?? -1, stdout: this.#stdout, stderr: this.#stderr })
        wake()
      })
    })
    // Whoever started it may have stopped waiting.
    this.ended.catch(() => undefined)
  }

  write(input: string): void {
    this.#child.stdin!.end(input)
  }

  /** Waits until the output so far satisfies the condition, and returns it. */
  async printed(isEnough: (stdout: string, stderr: string) => boolean): Promise<string> {
    while (!isEnough(this.#stdout, this.#stderr)) {
      if (this.#child.exitCode !== null) {
        throw new Failure(`it ended with ${this.#child.exitCode} and had printed\n${this.#stdout}${this.#stderr}`)
      }
      this.#signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
        this.#signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    return this.#stdout
  }

  /** Ends it as Ctrl-C does. */
  async interrupt(): Promise<Said> {
    this.#child.kill('SIGINT')
    return this.ended
  }
}

function argumentsOf(command: string | readonly string[]): readonly string[] {
  return typeof command === 'string' ? command.split(' ') : command
}

function fits(actual: string, expected: Expected): boolean {
  return typeof expected === 'string' ? actual === expected : expected.test(actual)
}

function difference(what: string, actual: string, expected: Expected): string | undefined {
  if (fits(actual, expected)) return undefined
  return `${what} must be ${typeof expected === 'string' ? `exactly\n${expected}` : `like ${String(expected)}`}`
}
