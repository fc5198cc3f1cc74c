import { componentFixes, type ComponentFix } from '@locktender/fleet'
import { printObjects, type OutputFormat } from '../output.ts'
import type { Session } from '../session.ts'
import { fixColumns } from './fix-columns.ts'

export async function fixList(session: Session, options: { readonly output: OutputFormat }): Promise<void> {
  const { items } = await (await session.client()).listAll<ComponentFix>(componentFixes)
  printObjects(session, options.output, componentFixes, items, fixColumns(session.now()))
}
