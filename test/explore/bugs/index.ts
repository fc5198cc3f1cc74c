import type { Bug } from '../support/bug.ts'
import { authorityGeneration } from './authority-generation.ts'
import { autoscalerFight } from './autoscaler-fight.ts'
import { closedGate } from './closed-gate.ts'
import { configRestart } from './config-restart.ts'
import { consoleService } from './console-service.ts'
import { containerOfThePast } from './container-of-the-past.ts'
import { decommissioned } from './decommissioned.ts'
import { duplicateNetwork } from './duplicate-network.ts'
import { gracefulUpscale } from './graceful-upscale.ts'
import { lostCreation } from './lost-creation.ts'
import { lostDeletion } from './lost-deletion.ts'
import { madeAfterDeletion } from './made-after-deletion.ts'
import { missedGoingPod } from './missed-going-pod.ts'
import { overwrittenFinalizer } from './overwritten-finalizer.ts'
import { pairedSecrets } from './paired-secrets.ts'
import { recreatedDatabase } from './recreated-database.ts'
import { replicationFactor } from './replication-factor.ts'
import { shrunkCapacity } from './shrunk-capacity.ts'
import { stalePod } from './stale-pod.ts'
import { stuckChildren } from './stuck-children.ts'
import { surplusWorkers } from './surplus-workers.ts'
import { swallowedError } from './swallowed-error.ts'
import { unmetExpectation } from './unmet-expectation.ts'
import { volumeExpansion } from './volume-expansion.ts'

/** All bugs of the zoo, by class. */
export const bugs: readonly Bug[] = [
  volumeExpansion,
  configRestart,
  gracefulUpscale,
  pairedSecrets,
  authorityGeneration,
  duplicateNetwork,
  recreatedDatabase,
  shrunkCapacity,
  stalePod,
  consoleService,
  surplusWorkers,
  containerOfThePast,
  missedGoingPod,
  closedGate,
  replicationFactor,
  lostDeletion,
  stuckChildren,
  unmetExpectation,
  decommissioned,
  madeAfterDeletion,
  lostCreation,
  autoscalerFight,
  swallowedError,
  overwrittenFinalizer,
]
