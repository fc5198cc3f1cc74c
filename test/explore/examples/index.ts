import type { Bug } from '../support/bug.ts'
import { certificateRequests } from './certificates.ts'
import { rollingUpdate } from './rolling-update.ts'

/** Controllers of the size of small real ones, each with a published mistake and its repair. */
export const examples: readonly Bug[] = [certificateRequests, rollingUpdate]
