#!/usr/bin/env node
// Runs the conformance cases against an API server: ours, started fresh, or that of a kubeconfig.
import { parseArgs } from 'node:util'
import { acceptedDivergences } from './accepted.ts'
import { selectCases } from './cases.ts'
import { Connection } from './connection.ts'
import { readKubeconfig } from './kubeconfig.ts'
import { LocalTarget } from './local-target.ts'
import { lineOf, reportOf, summaryOf, unacceptedIds } from './report.ts'
import { runCases } from './runner.ts'

const usage = `usage: npm run conformance -- [options]
  --kubeconfig FILE   test this server (default: lkt apiserver, started fresh on a temporary folder)
  --context NAME      context of the kubeconfig (default: the current one)
  --only LIST         ids, groups or tags, e.g. D01,G3
  --full              the cases about load (X06, X07) in full size: minutes instead of seconds
  --parallel N        cases at the same time (default: 6)
  --json              print {passed, failed, skipped, cases[]} on stdout; the lines go to stderr
`

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

async function main(args: string[]): Promise<number> {
  const { values: options } = parseArgs({
    args,
    options: {
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
      only: { type: 'string' },
      parallel: { type: 'string', default: '6' },
      full: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (options.help) {
    process.stdout.write(usage)
    return 0
  }
  const parallel = Number(options.parallel)
  if (!Number.isInteger(parallel) || parallel < 1) throw new RangeError('--parallel must be a whole number from 1 on')
  const cases = selectCases(options.only)
  const accepted = acceptedDivergences()
  const local = options.kubeconfig === undefined ? await LocalTarget.start() : undefined
  const kubeconfig = options.kubeconfig ?? local!.kubeconfig
  const say = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`)
  try {
    const connection = new Connection(await readKubeconfig(kubeconfig, options.context))
    const hub = local === undefined ? {} : { hub: { full: options.full, timed: true } }
    const target = { connection, kubeconfig, context: options.context, ...hub }
    const onResult = (result: Parameters<typeof lineOf>[0]): void => say(lineOf(result, accepted))
    const report = reportOf(await runCases(cases, target, { parallel, onResult }), accepted)
    connection.close()
    say(`\n${summaryOf(report)}`)
    if (options.json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
    return unacceptedIds(report).length === 0 ? 0 : 1
  } finally {
    await local?.stop()
  }
}
