import { describe, expect, test } from 'vitest'
import { parseOptions } from './options.ts'

function parse(...argv: string[]): ReturnType<typeof parseOptions> {
  return parseOptions(argv)
}

/** The code and message with which a command line is refused. */
function refusal(...argv: string[]): string {
  let written = ''
  try {
    parseOptions(argv, (command) => {
      command.configureOutput({ writeErr: (text) => (written += text) })
    })
  } catch {
    return written
  }
  throw new Error(`${argv.join(' ')} was accepted`)
}

describe('options', () => {
  test('have defaults for everything', () => {
    expect(parse()).toMatchObject({
      clusters: 200,
      seed: 1,
      failRate: 0,
      badFix: 0,
      unsteadyFix: 0,
      components: 'few',
      port: 0,
      exitWhenDone: false,
      json: false,
    })
    expect(parse().data).toBeUndefined()
    expect(parse().speed).toBeTypeOf('number')
  })

  test('are read from the command line', () => {
    const options = parse('--clusters', '1000', '--speed', 'max', '--bad-fix', '5%', '--fail-rate', '0.005', '--json')
    expect(options).toMatchObject({ clusters: 1000, speed: 'max', badFix: 0.05, failRate: 0.005, json: true })
    expect([...options.given].sort()).toEqual(['badFix', 'clusters', 'failRate'])
  })

  test.each([
    [['--colour'], "unknown option '--colour'"],
    [['extra'], 'too many arguments'],
    [['--clusters', '0'], '--clusters needs a whole number from 1 to 20000.'],
    [['--clusters', '2.5'], '--clusters needs a whole number'],
    [['--speed', 'fast'], '--speed needs a number above 0 up to 100000, or max.'],
    [['--speed', '0'], '--speed needs'],
    [['--bad-fix', '5'], '--bad-fix needs a share from 0 to 1, as 0.05 or 5%.'],
    [['--bad-fix', '-1'], '--bad-fix needs a share'],
    [['--fail-rate', ''], '--fail-rate needs a share'],
    [['--seed', 'x'], '--seed needs a whole number'],
    [['--components', 'some'], 'Allowed choices are few, full.'],
    [['--port', '70000'], '--port needs a whole number from 0 to 65535.'],
  ])('%j is refused with what is wrong and where to look', (argv, message) => {
    const written = refusal(...argv)
    expect(written).toContain(message)
    expect(written).toContain('--help')
  })
})
