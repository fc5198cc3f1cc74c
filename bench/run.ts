import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

/**
 * Runs the benchmarks of this folder, each in a process of its own, and prints one JSON document: all, or those whose
 * names begin with a given word, such as `rollout`.
 */
const wanted = process.argv.slice(2).filter((word) => word !== '--json')
const results: Record<string, unknown> = {}
for (const file of readdirSync(import.meta.dirname).toSorted()) {
  if (!file.endsWith('.ts') || file === 'run.ts') continue
  if (wanted.length > 0 && !wanted.some((word) => file.startsWith(word))) continue
  process.stderr.write(`${file}\n`)
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${import.meta.dirname}/${file}`], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${file} exited with ${status}: ${stderr}`)
  results[file.replace('.ts', '')] = JSON.parse(stdout)
}
process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`)
