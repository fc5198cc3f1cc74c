import { Command, InvalidArgumentError, Option } from 'commander'
import type { ComponentSet } from './hosted-control-plane/components.ts'

/** What the simulated world is like; the same values give the same world. */
export interface WorldOptions {
  readonly clusters: number
  readonly seed: number
  /** Share of operations that go wrong whatever the image, 0 to 1. */
  readonly failRate: number
  /** Share of the control planes that the fix breaks, 0 to 1. */
  readonly badFix: number
  /** Share of the control planes that the fix leaves well but for short moments, again and again, 0 to 1. */
  readonly unsteadyFix?: number
  readonly components: ComponentSet
}

/** How a run of it is shown and kept. */
export interface SimulatorOptions extends WorldOptions {
  /** Clock seconds per real second; `max` is virtual time. */
  readonly speed: number | 'max'
  /** Folder given by the user; absent means the default one, or none in virtual time. */
  readonly data?: string
  /** Port of the API server; 0 is any free one. */
  readonly port: number
  readonly exitWhenDone: boolean
  readonly json: boolean
  /** The world options that the user gave; the others may come from the folder. */
  readonly given: ReadonlySet<keyof WorldOptions>
}

/** With this speed a default run takes about a minute on a laptop. */
const defaultSpeed = 900

/** More would not fit the memory of a process that also serves their API. */
const mostClusters = 20_000

const worldKeys = ['clusters', 'seed', 'failRate', 'badFix', 'unsteadyFix', 'components'] as const

/**
 * Reads the command line. Throws commander's CommanderError for anything it does not understand and for `--help`,
 * after telling the user on the streams of `command`.
 */
export function parseOptions(
  argv: readonly string[],
  configure: (command: Command) => void = () => {},
): SimulatorOptions {
  const command = new Command('npm start --')
    .description(
      'Brings up a simulated fleet with its own Kubernetes API and lets one component fix travel through all of it.',
    )
    .addOption(
      new Option('--clusters <N>', 'hosted control planes')
        .default(200)
        .argParser(wholeNumber('--clusters', 1, mostClusters)),
    )
    .addOption(
      new Option('--speed <S>', 'clock seconds per real second, or max for virtual time')
        .default(defaultSpeed)
        .argParser(speed),
    )
    .addOption(
      new Option('--seed <K>', 'seed of everything random').default(1).argParser(wholeNumber('--seed', 0, 2 ** 32 - 1)),
    )
    .addOption(
      new Option('--fail-rate <P>', 'share of operations that fail whatever the image, as 0.005 or 0.5%')
        .default(0)
        .argParser(share('--fail-rate')),
    )
    .addOption(
      new Option('--bad-fix <P>', 'share of the control planes that the fix breaks, as 0.05 or 5%')
        .default(0)
        .argParser(share('--bad-fix')),
    )
    .addOption(
      new Option('--unsteady-fix <P>', 'share of the control planes that the fix makes unsteady, though not ill')
        .default(0)
        .argParser(share('--unsteady-fix')),
    )
    .addOption(
      new Option('--components <few|full>', 'components per control plane').choices(['few', 'full']).default('few'),
    )
    .addOption(new Option('--data <DIR>', 'folder that keeps the state; a second start with it continues'))
    .addOption(
      new Option('--port <N>', 'port of the API server, 0 for any free one')
        .default(0)
        .argParser(wholeNumber('--port', 0, 65_535)),
    )
    .option('--exit-when-done', 'end when the rollout has ended instead of serving on', false)
    .option('--json', 'end with a JSON summary on stdout', false)
    .addHelpText(
      'after',
      '\nExit codes: 0 all applied, 2 usage, 8 not finished in time, 9 halted, aborted or reverted, 10 some failed, 130 interrupted.',
    )
    .allowExcessArguments(false)
    .showHelpAfterError('(run npm start -- --help for the options)')
    .exitOverride()
  configure(command)
  command.parse(argv, { from: 'user' })
  const values = command.opts<Omit<SimulatorOptions, 'given'>>()
  const given = new Set(worldKeys.filter((key) => command.getOptionValueSource(key) === 'cli'))
  return { ...values, given }
}

function wholeNumber(name: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`${name} needs a whole number from ${least} to ${most}.`)
    }
    return value
  }
}

function speed(text: string): number | 'max' {
  if (text === 'max') return 'max'
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value <= 100_000)) {
    throw new InvalidArgumentError('--speed needs a number above 0 up to 100000, or max.')
  }
  return value
}

function share(name: string): (text: string) => number {
  return (text) => {
    const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text)
    if (text.trim() === '' || text === '%' || !(value >= 0 && value <= 1)) {
      throw new InvalidArgumentError(`${name} needs a share from 0 to 1, as 0.05 or 5%.`)
    }
    return value
  }
}
