import { systemClock } from '@locktender/kube'
import type { Operator } from '../../operator.ts'
import { runOperatorCommand } from '../operator-program.ts'

/** Makes this process the program of an operator: its arguments are commands of {@link runOperatorCommand}. */
export async function runOperator(operator: Operator, argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.exitCode = await runOperatorCommand(operator, argv, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    clock: systemClock(),
  })
}
