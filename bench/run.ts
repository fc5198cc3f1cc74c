import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

/** Runs every benchmark of this folder in a process of its own and prints one JSON document. */
const results: Record<string, unknown> = {}
for (const file of readdirSync(import.meta.dirname).toSorted()) {
  if (!file.endsWith('.ts') || file === 'run.ts') continue
  process.stderr.write(`${file}\n`)
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${import.meta.dirname}/${file}`], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${file} exited with ${status}: ${stderr}`)
  results[file.replace('.ts', '')] = JSON.parse(stdout)
}
process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`)
