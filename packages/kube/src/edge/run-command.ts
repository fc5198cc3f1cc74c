import { spawn } from 'node:child_process'
import type { RunCommand } from '../exec-credential.ts'

/**
 * Runs a command with our environment and the variables given. What it writes to standard error is shown as it
 * comes, since credential plugins talk to people there.
 */
export const runCommand: RunCommand = ({ command, args, env, interactive }) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'inherit'],
    })
    const output: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output).toString('utf8'))
      else reject(new Error(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`))
    })
  })
