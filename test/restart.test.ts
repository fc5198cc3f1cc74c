import { join } from 'node:path'
import { ApiServer } from '@locktender/apiserver'
import { unpackedLines } from '@locktender/fixes'
import {
  controlPlanes,
  CPO_IMAGE_ANNOTATION,
  deployments,
  hostedClusters,
  nodePools,
  rolloutLogs,
  rollouts,
  type ControlPlane,
  type Rollout,
  type RolloutLog,
} from '@locktender/fleet'
import { Client, seededRandom, VirtualClock } from '@locktender/kube'
import { parseLog, replay } from '@locktender/rollout'
import { administrator, type Summary } from '@locktender/simulator'
import { expect, test } from 'vitest'
import { SimulatorProcess, temporaryFolder } from './support/simulator-process.ts'

const clusters = 30

test('kill -9 three times: it goes on, nothing twice, nothing skipped', { timeout: 150_000 }, async () => {
  await using folder = await temporaryFolder()
  const data = join(folder.path, 'data')
  const start = () =>
    new SimulatorProcess(
      `--clusters ${clusters} --speed 2000 --exit-when-done --json`.split(' ').concat('--data', data),
    )
  const random = seededRandom(11)
  // A moment is some time after some wave was opened, so that the rollout is under way each time.
  for (const stage of ['integration', 'stage', 'production']) {
    const simulator = start()
    await simulator.printed(new RegExp(`${stage} wave \\d+ opened|rollout \\S+ is Completed`))
    await new Promise((resolve) => {
      setTimeout(resolve, 50 + random.next() * 1500)
    })
    await simulator.kill()
  }
  const last = start()
  expect({ code: await last.exited, output: last.output }).toMatchObject({ code: 0 })
  const summary = JSON.parse(last.stdout) as Summary
  expect(summary).toMatchObject({ phase: 'Completed', clusters, applied: clusters, failed: 0, neverTouched: 0 })

  const server = await ApiServer.open({
    clock: new VirtualClock(),
    random,
    dataDirectory: join(data, 'api-server'),
  })
  try {
    const clientOf = (cluster: string) => new Client({ transport: server.transport({ cluster, user: administrator }) })
    const planes = (await clientOf('hub').listAll<ControlPlane>(controlPlanes)).items
    const [rollout] = (await clientOf('hub').listAll<Rollout>(rollouts)).items
    // Whatever was cut off: the row of pieces has no gap, and what is in them was decided rightly.
    const pieces = (await clientOf('hub').listAll<RolloutLog>(rolloutLogs)).items
    const { lives, mismatches } = replay(parseLog([...unpackedLines(pieces)].join('')))
    expect(mismatches).toEqual([])
    expect(lives).toBeGreaterThan(1)
    const applied = planes.filter(({ status }) => status?.operations?.[0]?.phase === 'Applied')
    expect(applied).toHaveLength(clusters)
    expect(rollout?.status?.counts.Applied).toBe(applied.length)
    // Created, then changed once by the manager; a second change, even to the same image, would be a generation more.
    expect(planes.filter(({ metadata }) => metadata.generation !== 2)).toEqual([])
    let operators = 0
    for (const name of server.clusters().filter((cluster) => cluster !== 'hub')) {
      for (const { metadata } of (await clientOf(name).listAll(hostedClusters)).items) {
        expect(metadata.annotations?.[CPO_IMAGE_ANNOTATION]).toMatch(/@sha256:/)
        expect(metadata.generation).toBe(1)
      }
      // HyperShift rolls its operator out once for each change of the annotation.
      for (const { metadata } of (await clientOf(name).listAll(deployments)).items) {
        expect(metadata.generation).toBe(2)
        operators++
      }
      for (const { metadata } of (await clientOf(name).listAll(nodePools)).items) expect(metadata.generation).toBe(1)
    }
    expect(operators).toBe(clusters)
  } finally {
    await server.close()
  }
})
