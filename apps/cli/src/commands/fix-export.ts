import { exportOverrides } from '@locktender/fixes'
import { componentFixes, type ComponentFix } from '@locktender/fleet'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'

/** Phases in which a fix is meant to be in place; the others were withdrawn or never accepted. */
const inForce = new Set(['Pending', 'AwaitingApproval', 'Delivering', 'Delivered'])

/** Writes the fixes of the hub as an override file with the same effective images. */
export async function fixExport(session: Session, options: { readonly format: string }): Promise<void> {
  if (options.format !== 'hypershift-overrides') {
    throw new CommandError(exitCodes.usage, `unknown format "${options.format}"; use hypershift-overrides`)
  }
  const { items } = await (await session.client()).listAll<ComponentFix>(componentFixes)
  const { text, omitted } = exportOverrides(items.filter((fix) => inForce.has(fix.status?.phase ?? 'Pending')))
  for (const sentence of omitted) session.note(`warning: ${sentence}`)
  session.out(text)
}
