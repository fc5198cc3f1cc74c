import { Command, InvalidArgumentError, Option } from 'commander'
import { CommandError } from './command-error.ts'
import type { DataFlags } from './commands/apiserver-data.ts'
import type { ApiserverFlags } from './commands/apiserver.ts'
import { outputFormats, parseOutputFormat } from './output-format.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import type { Session } from './session.ts'

/** Flags that say which API server to talk to, with kubectl's names. */
export interface ConnectionFlags {
  readonly kubeconfig?: string
  readonly context?: string
}

export interface ProgramOptions {
  /** `lkt`, or `kubectl locktender` when run as a plugin. */
  readonly name: string
  readonly version: string
  /** Called when a command runs, so that help needs nothing of what it loads. */
  readonly session: (flags: ConnectionFlags) => Session | Promise<Session>
  /** Called once, with the exit code of the command that ran. */
  readonly finish: (code: ExitCode) => void
}

/** The command line: grammar and help. Each command's code is loaded when it runs, which keeps `--help` fast. */
export function buildProgram({ name, version, session, finish }: ProgramOptions): Command {
  const program = new Command(name)
    .description('Move hosted control planes: deliver fixes to the fleet, see every change, stop the bad ones.')
    .version(version)
    .option('--kubeconfig <file>', 'kubeconfig file (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig')
    .showHelpAfterError('(run with --help for usage)')
    .exitOverride()

  const run: Run =
    (load) =>
    async (...rest) => {
      const at = await session(program.opts<ConnectionFlags>())
      const action = await load()
      finish((await action(at, ...(rest as never[]))) ?? exitCodes.done)
    }
  const output = () =>
    new Option('-o, --output <format>', `one of ${outputFormats.join('|')}`)
      .default('table')
      .argParser(parseOutputFormat)
  const dryRun = () =>
    new Option('--dry-run <how>', 'write nothing: check here (client) or on the server')
      .choices(['none', 'client', 'server'])
      .default('none')

  program
    .command('status')
    .description('the fleet on one screen (what lkt alone shows)')
    .addOption(output())
    .action(run(async () => (await import('./commands/status.ts')).fleetStatus))

  addFixCommands(program, run, output, dryRun)
  addRolloutCommands(program, run, output)
  addFreezeCommands(program, run, output, dryRun)

  const approvals = program.command('approvals').alias('approval').description('plans that wait for consent')
  approvals
    .command('list')
    .description('rollouts that wait for approval')
    .addOption(output())
    .action(run(async () => (await import('./commands/approvals.ts')).approvalsList))
  approvals
    .command('approve <rollout>')
    .description('approve the plan of a rollout as yourself')
    .option('--plan <hash>', 'digest of the plan you looked at; refused when the plan is another')
    .option('--comment <text>', 'kept with the approval')
    .action(run(async () => (await import('./commands/approvals.ts')).approve))

  program
    .command('explain <target>')
    .alias('why')
    .description('why a control plane, fix or rollout is in its state, and what to do')
    .addOption(output())
    .action(run(async () => (await import('./commands/explain.ts')).explain))

  addApiserverCommands(program, run)
  addOperatorCommands(program, run, output)
  inheritSettings(program)
  return program
}

/** Code of a command. After the session it takes its arguments and its options, as the grammar of the command has them. */
type Action = (session: Session, ...rest: never[]) => Promise<ExitCode | void>

/** Runs an action with a session once its code is loaded, and reports its exit code; no code means success. */
type Run = (load: () => Promise<Action>) => (...rest: readonly unknown[]) => Promise<void>

function addFixCommands(program: Command, run: Run, output: () => Option, dryRun: () => Option): void {
  const fix = program.command('fix').alias('fixes').description('component fixes and their delivery')
  fix
    .command('request <name>')
    .description('ask for a fix to be delivered; starts its clock')
    .requiredOption('--ticket <id>', 'ticket of the defect')
    .requiredOption('--affects <ranges>', 'versions, e.g. 4.20.0-4.20.12,4.21.3')
    .requiredOption('--platform <names>', 'platforms, e.g. AWS,Azure')
    .requiredOption('--image <[line=]image...>', 'image by digest, per release line, e.g. 4.20=registry/repo@sha256:…')
    .option('--component <name>', 'component to replace', 'control-plane-operator')
    .option('--summary <text>', 'what it fixes, in a sentence')
    .option('--strategy <name>', 'RolloutStrategy to follow', 'default')
    .option('--deadline <duration>', 'time from now to the whole fleet', '24h')
    .option('--supersedes <fixes>', 'fixes whose content it includes, comma-separated')
    .addOption(dryRun())
    .addOption(output())
    .addHelpText('after', requestExample)
    .action(run(async () => (await import('./commands/fix-request.ts')).fixRequest))
  fix
    .command('list')
    .description('all fixes')
    .addOption(output())
    .action(run(async () => (await import('./commands/fix-list.ts')).fixList))
  fix
    .command('status <name>')
    .description('how far a fix is; the exit code says how it ended')
    .option('-w, --watch', 'until it has ended', false)
    .addOption(output())
    .action(run(async () => (await import('./commands/fix-status.ts')).fixStatus))
  fix
    .command('clusters <name>')
    .description('control planes it concerns, with their state and why')
    .option('--state <states>', 'only these states, comma-separated')
    .addOption(output())
    .action(run(async () => (await import('./commands/fix-clusters.ts')).fixClusters))
  fix
    .command('import <file>')
    .description("create fixes from HyperShift's override file")
    .option('--strategy <name>', 'RolloutStrategy to follow', 'default')
    .option('--deadline <duration>', 'time from now to the whole fleet', '24h')
    .addOption(dryRun())
    .addOption(output())
    .action(run(async () => (await import('./commands/fix-import.ts')).fixImport))
  fix
    .command('export')
    .description('write the fixes of the hub as another format')
    .option('--format <format>', 'hypershift-overrides', 'hypershift-overrides')
    .action(run(async () => (await import('./commands/fix-export.ts')).fixExport))
}

function addRolloutCommands(program: Command, run: Run, output: () => Option): void {
  const rollout = program.command('rollout').alias('rollouts').description('see, understand and steer a rollout')
  addPlanCommands(rollout, run, output)
  addEvidenceCommands(rollout, run, output)
  rollout
    .command('pause <name>')
    .description('start nothing new; what is under way is finished')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(run(async () => (await import('./commands/rollout.ts')).pauseRollout))
  rollout
    .command('resume <name>')
    .description('go on after a pause')
    .action(run(async () => (await import('./commands/rollout.ts')).resumeRollout))
  rollout
    .command('abort <name>')
    .description('end it for good; control planes that have the fix keep it')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(run(async () => (await import('./commands/rollout.ts')).abortRollout))
  rollout
    .command('revert <name>')
    .description('end it for good and take the fix back everywhere, also when it is complete')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(run(async () => (await import('./commands/rollout.ts')).revertRollout))
  rollout
    .command('expedite <name>')
    .description('end the soak after the present wave early')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(run(async () => (await import('./commands/rollout.ts')).expediteRollout))
  rollout
    .command('skip <name> <control-plane>')
    .description('leave a control plane out of it for good')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(run(async () => (await import('./commands/rollout.ts')).skipControlPlane))
  rollout
    .command('retry <name> <control-plane>')
    .description('try a control plane again on which it failed')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(run(async () => (await import('./commands/rollout.ts')).retryControlPlane))
}

/** Commands that say what will be; they write nothing. */
function addPlanCommands(rollout: Command, run: Run, output: () => Option): void {
  const strategy = () => new Option('--strategy <name>', 'RolloutStrategy on the server')
  const filename = () => new Option('-f, --filename <file>', 'RolloutStrategy in a file')
  const hazard = () =>
    new Option('--hazard <share>', 'control planes that suffer at any moment without the fix, as 0.01 or 1%').argParser(
      share,
    )
  const prior = () => new Option('--prior <share>', 'chance that the fix is itself bad, as 0.1 or 10%').argParser(share)
  rollout
    .command('plan [name]')
    .description('waves, times, deadline and expected harm of a rollout; writes nothing')
    .option('--fix <name>', 'a fix instead of a rollout: its name, or a file with one that nobody has requested yet')
    .addOption(strategy())
    .addOption(filename())
    .option('--propose', 'let the planner choose waves and soaks; -o yaml prints the strategy', false)
    .addOption(hazard())
    .addOption(prior())
    .addOption(output())
    .addHelpText('after', planExample)
    .action(run(async () => (await import('./commands/rollout-plan.ts')).rolloutPlan))
  rollout
    .command('what-if <name>')
    .description('what another strategy would change: who moves, how much earlier, what it costs; writes nothing')
    .addOption(strategy())
    .addOption(filename())
    .addOption(hazard())
    .addOption(prior())
    .addOption(output())
    .action(run(async () => (await import('./commands/rollout-what-if.ts')).rolloutWhatIf))
}

function addFreezeCommands(program: Command, run: Run, output: () => Option, dryRun: () => Option): void {
  const freeze = program.command('freeze').alias('freezes').description('times in which nothing may be started')
  freeze
    .command('add <name>')
    .description('start nothing for a while, everywhere or on some of the fleet; what is under way, and reverts, go on')
    .requiredOption('--to <when>', 'end: a time like 2026-01-05T08:00:00Z, or a duration from the beginning')
    .option('--from <when>', 'beginning: a time, or a duration from now (default: now)')
    .requiredOption('--reason <text>', 'why nothing may be started')
    .requiredOption('--owner <name>', 'whom to ask')
    .option('--environments <names>', 'only these, comma-separated; every kind of selection that is given must match')
    .option('--sectors <names>', 'only these')
    .option('--regions <names>', 'only these')
    .option('--customers <names>', 'only these')
    .option('--tiers <names>', 'only these')
    .option('--management-clusters <names>', 'only these')
    .addOption(dryRun())
    .addOption(output())
    .action(run(async () => (await import('./commands/freeze.ts')).freezeAdd))
  freeze
    .command('list')
    .description('all freezes, in the order of time')
    .addOption(output())
    .action(run(async () => (await import('./commands/freeze.ts')).freezeList))
  freeze
    .command('remove <name>')
    .description('end a freeze early, or take it off the calendar')
    .action(run(async () => (await import('./commands/freeze.ts')).freezeRemove))
}

/** Commands that say how it goes and why. */
function addEvidenceCommands(rollout: Command, run: Run, output: () => Option): void {
  rollout
    .command('explain <name>')
    .description('what it waits for, how it stands, and what to do next')
    .addOption(output())
    .action(run(async () => (await import('./commands/rollout-explain.ts')).rolloutExplain))
  rollout
    .command('evidence <name>')
    .description('what the judgement on the fix rests on, by stage and wave, and what would change it')
    .addOption(output())
    .action(run(async () => (await import('./commands/rollout-explain.ts')).rolloutEvidence))
  rollout
    .command('export <name>')
    .description('write the log of a rollout as JSON lines: all that its engine was told and decided')
    .action(run(async () => (await import('./commands/rollout-export.ts')).rolloutExport))
  rollout
    .command('replay <file>')
    .description('decide again what a log says was decided; the exit code says whether all of it is the same')
    .option('--strategy <name>', 'also by this RolloutStrategy: its name on the server, or a file')
    .addOption(output())
    .action(run(async () => (await import('./commands/rollout-replay.ts')).rolloutReplay))
}

function addApiserverCommands(program: Command, run: Run): void {
  const outputOf = (what: string) => new Option('-o, --output <format>', what).choices(['text', 'json']).default('text')
  const apiserver = program
    .command('apiserver')
    .description('serve the Kubernetes API on this machine, for tests and for trying things out')
    .option('--data <dir>', 'keep the objects in this folder (default: in memory, gone at the end)')
    .option('--port <port>', 'port on 127.0.0.1; 0 takes a free one', wholeNumber(65_535), 0)
    .option('--crds <dir>', 'install the CustomResourceDefinitions in this folder')
    .option('--history-events <count>', 'newest writes to remember for watches and paging', wholeNumber(100_000_000, 1))
    .option('--kubeconfig <file>', 'where to write the kubeconfig (default: in the folder of the data)')
    .addOption(outputOf('how to say where it is'))
    .addHelpText('after', apiserverExample)
    .action(
      run(async () => {
        const { apiserver: serve } = await import('./commands/apiserver.ts')
        // The program takes its own --kubeconfig wherever it stands.
        const { kubeconfig } = program.opts<ConnectionFlags>()
        return (at, flags: ApiserverFlags) => serve(at, flags, kubeconfig)
      }),
    )
  // Options before and after the name of a subcommand are those of its parent when both have them.
  const dataFlags = (): DataFlags => {
    const { data, output } = apiserver.opts<Partial<DataFlags>>()
    if (data === undefined) throw new CommandError(exitCodes.usage, 'say which folder with --data')
    return { data, output: output ?? 'text' }
  }
  const runOnData = (load: () => Promise<(at: Session, flags: DataFlags) => Promise<ExitCode | void>>) =>
    run(async () => {
      const act = await load()
      return (at) => act(at, dataFlags())
    })
  apiserver
    .command('check')
    .description('whether the files of a data folder are whole; its server must not run')
    .option('--data <dir>', 'folder of the data')
    .addOption(outputOf('how to say it'))
    .action(runOnData(async () => (await import('./commands/apiserver-data.ts')).checkData))
  apiserver
    .command('repair')
    .description('go back to the newest state of a damaged data folder that can be read; keeps the damaged files')
    .option('--data <dir>', 'folder of the data')
    .addOption(outputOf('how to say what was done'))
    .action(runOnData(async () => (await import('./commands/apiserver-data.ts')).repairData))
}

/** Commands for programs of operators that follow the OpenShift Manager contract. */
function addOperatorCommands(program: Command, run: Run, output: () => Option): void {
  const op = program.command('op').alias('operator').description('run, test and compare operators without a cluster')
  op.command('run <binary>')
    .description('what an operator would write, given a directory of manifests')
    .requiredOption('--input-dir <dir>', 'manifests, laid out as a must-gather')
    .option('--output-dir <dir>', 'keep the writes in this folder (default: thrown away)')
    .option('--controllers <names>', 'only these, comma-separated; -NAME leaves one out, * is all')
    .option('--now <time>', 'the time it is to be, as 2026-01-05T08:00:00Z')
    .addOption(output())
    .action(run(async () => (await import('./commands/op-run.ts')).opRun))
  op.command('inputs <binary>')
    .description('what an operator must be given')
    .addOption(output())
    .action(run(async () => (await import('./commands/op-lists.ts')).opInputs))
  op.command('outputs <binary>')
    .description('what an operator may write')
    .addOption(output())
    .action(run(async () => (await import('./commands/op-lists.ts')).opOutputs))
  op.command('compare <expected> <actual>')
    .description('what tells the writes of two runs apart; the exit code says whether anything does')
    .addOption(output())
    .action(run(async () => (await import('./commands/op-compare.ts')).opCompare))
  op.command('minimise')
    .alias('minimize')
    .description('take from a must-gather only what an operator must be given')
    .requiredOption('--must-gather-dir <dir>', 'the must-gather')
    .requiredOption('--output-dir <dir>', 'where to write what is kept')
    .option('--input-resources <file>', 'what to keep, as input-resources prints it')
    .option('--binary <path>', 'operator to ask what to keep')
    .action(run(async () => (await import('./commands/op-minimise.ts')).opMinimise))
  op.command('test <dir>')
    .description('run every test.yaml in a folder and below it')
    .option('--binary <name=path...>', 'program to run where a test names another')
    .option('--output-dir <dir>', 'folder for output and junit.xml, emptied first (default: a temporary one)')
    .option('--update', 'make what comes out what is expected', false)
    .addOption(
      new Option('--preserve <which>', 'output that stays').choices(['never', 'failed', 'always']).default('failed'),
    )
    .option('--junit <file>', 'where to write the JUnit report (default: junit.xml in the output folder)')
    .addOption(output())
    .addHelpText('after', testExample)
    .action(run(async () => (await import('./commands/op-test.ts')).opTest))
  addExploreCommands(op, run, output)
}

/** Commands that try operators in many orders of things. */
function addExploreCommands(op: Command, run: Run, output: () => Option): void {
  op.command('explore <file>')
    .description('run a scenario, or an event sequence, in many orders, with crashes, stale caches and lost answers')
    .option('--operator <module>', 'module that exports the operator to run in an event sequence')
    .option('--binary <path>', 'program of the operator to run in an event sequence')
    .addOption(
      new Option('--mode <mode>', 'how schedules are chosen')
        .choices(['random', 'exhaustive', 'guided'])
        .default('random'),
    )
    .option('--seed <number>', 'of the random choices', wholeNumber(2 ** 31), 1)
    .option('--schedules <count>', 'most schedules (default: 1000 unless --for is given)', wholeNumber(1e9, 1))
    .option('--for <duration>', 'most processor time, as 30s or 5m')
    .option('--failures <count>', 'ends when so many different ones were found', wholeNumber(1000, 1), 1)
    .option('--plan <file>', 'where to write the plan of the failure (default: a file in the folder of --out)')
    .option('--out <dir>', 'folder for the plans of failures', '.')
    .option('--no-shrink', 'keep plans as they were found')
    .addOption(output())
    .addHelpText('after', exploreExample)
    .action(run(async () => (await import('./commands/op-explore.ts')).opExplore))
  op.command('replay <plan>')
    .description('run the schedule of a plan again and tell all that happens; code 1 when it still goes wrong')
    .option('--scenario <file>', 'scenario or event sequence, instead of the one that the plan names')
    .option('--operator <module>', 'operator, instead of the one that the plan names')
    .option('--binary <path>', 'program of the operator, instead of the one that the plan names')
    .option('--all', 'tell also what reconciles read that write nothing', false)
    .addOption(output())
    .action(run(async () => (await import('./commands/op-replay.ts')).opReplay))
  op.command('record')
    .description('write what happens on an API server as an event sequence, until Ctrl-C')
    .requiredOption('--resource <names...>', 'what to watch, as plural or plural.group')
    .option('-n, --namespace <name>', 'only in this namespace')
    .option('-l, --selector <labels>', 'only objects with these labels')
    .option('--name <name>', 'name of the sequence', 'recorded')
    .option('--for <duration>', 'ends by itself after this time, as 30s or 5m')
    .option('--status', 'also what is written to the status', false)
    .option('-f, --file <file>', 'where to write it (default: standard output)')
    .action(run(async () => (await import('./commands/op-record.ts')).opRecord))
}

const exploreExample = `
Examples:
  # A thousand schedules of a scenario
  lkt op explore test/database.scenario.ts
  # An event sequence with an operator, for half a minute of processor time
  lkt op explore sequences/upgrade.yaml --operator src/index.ts --for 30s
`

const testExample = `
Example:
  # The tests of an operator, with a report for CI
  lkt op test test-data/apply-configuration --binary ./my-operator=bin/my-operator --junit junit.xml
`

const requestExample = `
Example:
  # Replace the control-plane operator of 4.20.0 to 4.20.12 on both platforms
  lkt fix request ocpbugs-1 --ticket OCPBUGS-1 --platform AWS,Azure --affects 4.20.0-4.20.12 \\
      --image 4.20=registry.example/cpo@sha256:<64 hex digits>
`

const planExample = `
Examples:
  # When will it be everywhere, and what may it cost?
  lkt rollout plan my-fix
  # What would be best for a fix that starts to hurt one control plane in fifty?
  lkt rollout plan --fix my-fix --propose --hazard 2%
`

const apiserverExample = `
Example:
  # An API server with the kinds of your controller, at a port of its own
  lkt apiserver --crds config/crd/bases --kubeconfig /tmp/kubeconfig
`

function wholeNumber(largest: number, smallest = 0): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= smallest && value <= largest) return value
    throw new InvalidArgumentError(`It must be a whole number from ${smallest} to ${largest}.`)
  }
}

/** `5%` or `0.05`. */
function share(text: string): number {
  const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text)
  if (/^\d/.test(text) && value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('It must be a share from 0 to 1, as 0.05 or 5%.')
}

/** Errors of every command become exceptions with one hint, so that the edge alone ends the process. */
function inheritSettings(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command)
    inheritSettings(child)
  }
}
