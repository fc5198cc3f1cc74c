import { Agent, request } from 'node:https'
import { expect, test } from 'vitest'
import type { FuzzInput } from './fuzz-inputs.test-support.ts'
import { fuzz, fuzzAndReopen } from './fuzz.test-support.ts'
import type { FuzzAnswer } from './fuzz.test-support.ts'
import { openTestCluster } from './test-cluster.ts'

const INPUTS = 5000
const TIMEOUT_MS = 120_000

test.each(Array.from({ length: 20 }, (_, index) => index + 100))(
  'nonsense of seed %i is refused and leaves no trace, and the store opens again',
  async (seed) => {
    const { flaws, state, reopened } = await fuzzAndReopen(seed, INPUTS)
    expect(flaws).toEqual([])
    expect(reopened).toBe(state)
  },
  TIMEOUT_MS,
)

test(
  'nonsense over real connections',
  async () => {
    const cluster = await openTestCluster()
    const { url, certificateAuthority } = await cluster.server.listen({ rootCluster: 'hub' })
    const token = cluster.server.issueToken({ name: 'admin', groups: ['system:masters'] })
    const agent = new Agent({ ca: certificateAuthority, keepAlive: true })
    const send = (_cluster: unknown, input: FuzzInput): Promise<FuzzAnswer> => overHttps(input)
    const overHttps = ({ method, path, headers, bytes }: FuzzInput): Promise<FuzzAnswer> =>
      new Promise((resolve, reject) => {
        // Watches, and versions that are waited for, are ended by the clock, which stands still here.
        if (/watch|resourceVersion=/.test(path)) {
          resolve({ code: 200, headers: { 'content-type': 'application/json' }, text: '{}' })
          return
        }
        const length = bytes === undefined ? {} : { 'content-length': String(bytes.length) }
        const all = { ...headers, ...length, authorization: `Bearer ${token}` }
        const outgoing = request(
          `${url}/`,
          { agent, method, path: encodeURI(path).replaceAll('%25', '%'), headers: all },
          (answer) => {
            const chunks: Buffer[] = []
            answer.on('data', (chunk: Buffer) => chunks.push(chunk))
            answer.on('error', reject)
            answer.on('end', () => {
              const type = answer.headers['content-type']
              resolve({
                code: answer.statusCode ?? 0,
                headers: type === undefined ? {} : { 'content-type': type },
                text: Buffer.concat(chunks).toString('utf8'),
              })
            })
          },
        )
        outgoing.on('error', reject)
        outgoing.end(bytes)
      })
    try {
      expect(await fuzz(cluster, { seed: 7, inputs: INPUTS, send })).toEqual([])
    } finally {
      agent.destroy()
      await cluster.server.close()
    }
  },
  TIMEOUT_MS,
)
