import type { AnyObject } from '../object.ts'
import type { AdmissionAttributes } from './attributes.ts'
export function mutate({ object }: AdmissionAttributes): AnyObject | undefined | Promise<AnyObject | undefined> {
  return object
}
export function review(_attributes: AdmissionAttributes): Promise<void> | undefined {
  return undefined
}
