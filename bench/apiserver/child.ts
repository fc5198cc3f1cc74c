import { fork } from 'node:child_process'
import { join } from 'node:path'

/** Runs a file of this folder in a process of its own, gives it a question, and resolves with its answer. */
export function ask<Question extends object, Reply>(file: string, question: Question): Promise<Reply> {
  const child = fork(join(import.meta.dirname, file), { execArgv: [] })
  return new Promise((resolve, reject) => {
    child.once('message', (reply) => resolve(reply as Reply))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${file} exited with ${code} without an answer`)))
    child.send(question)
  })
}
