import { API_VERSION, type FreezeWindow } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import { controlPlaneOf } from '../testing/objects.ts'
import { listOf, runLkt } from '../testing/run-lkt.ts'

const api = '/apis/locktender.dev/v1alpha1'
const freeze = (name: string, from: string, to: string, selector?: FreezeWindow['spec']['selector']): FreezeWindow => ({
  apiVersion: API_VERSION,
  kind: 'FreezeWindow',
  metadata: { name },
  spec: { from, to, reason: 'sale', owner: 'ana', ...(selector === undefined ? {} : { selector }) },
})
const answers = {
  [`GET ${api}/controlplanes`]: listOf(controlPlaneOf('a'), controlPlaneOf('b'), controlPlaneOf('c', 'stage')),
  [`GET ${api}/freezewindows`]: listOf(
    freeze('later', '2026-01-06T00:00:00Z', '2026-01-07T00:00:00Z', {
      environments: ['production'],
      tiers: ['gold', 'silver'],
    }),
    freeze('now', '2026-01-05T07:00:00Z', '2026-01-05T20:00:00Z'),
    freeze('past', '2026-01-04T07:00:00Z', '2026-01-05T08:00:00Z'),
  ),
  [`POST ${api}/freezewindows`]: { status: 201, body: freeze('sale', '2026-01-05T08:00:00Z', '2026-01-05T20:00:00Z') },
  [`DELETE ${api}/freezewindows/sale`]: { body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } },
}
const add = (...more: string[]) =>
  runLkt(['freeze', 'add', 'sale', '--reason', 'sale', '--owner', 'ana', ...more], { answers })

describe('freeze add', () => {
  test('from now, for some of the fleet, says how many', async () => {
    const { code, out, notes, bodies } = await add('--to', '12h', '--environments', 'production')
    expect({ code, out }).toEqual({ code: 0, out: 'freezewindow.locktender.dev/sale created\n' })
    expect(notes).toBe(
      'nothing is started on 2 of 3 control planes from 08:00 UTC (now) to 20:00 UTC (in 12h); what is under way, and reverts, go on\n',
    )
    expect(bodies).toEqual([
      freeze('sale', '2026-01-05T08:00:00Z', '2026-01-05T20:00:00Z', { environments: ['production'] }),
    ])
  })

  test('with times, for everything, without writing', async () => {
    const { out, bodies } = await add(
      '--from',
      '2026-01-06T08:00:00+01:00',
      '--to',
      '90m',
      '--dry-run=client',
      '-o',
      'json',
    )
    expect(JSON.parse(out)).toEqual(freeze('sale', '2026-01-06T07:00:00Z', '2026-01-06T08:30:00Z'))
    expect(bodies).toEqual([])
  })

  test.each([
    [['--to', '0s'], exitCodes.usage, /not after --from/],
    [['--from', '2026-01-04T00:00:00Z', '--to', '2026-01-05T00:00:00Z'], exitCodes.usage, /which is over/],
    [['--to', '2026-01-06'], exitCodes.usage, /needs a time and a zone/],
    [['--to', 'soon'], exitCodes.usage, /"soon" is not a duration/],
    [
      ['--to', '1h', '--environments', 'prod'],
      exitCodes.usage,
      /unknown environment "prod"; use one or more of integration/,
    ],
    [['--to', '1h', '--customers', 'shpo'], exitCodes.refused, /for none of the 3 control planes/],
  ] as const)('%j is refused, and nothing is written', async (more, code, message) => {
    const result = await add(...more)
    expect(result).toMatchObject({ code, out: '', bodies: [] })
    expect(result.notes).toMatch(message)
  })
})

test('freeze list: in the order of time, with what is in force and for whom', async () => {
  expect((await runLkt(['freeze', 'list', '-o', 'wide'], { answers })).out).toMatchInlineSnapshot(`
    "NAME    STATE     FROM                  TO                   FOR                                         OWNER   REASON
    past    Over      Sun 07:00 (25h ago)   08:00 (now)          everything                                  ana     sale
    now     InForce   07:00 (1h ago)        20:00 (in 12h)       everything                                  ana     sale
    later   Coming    Tue 00:00 (in 16h)    Wed 00:00 (in 40h)   environments=production tiers=gold,silver   ana     sale
    "
  `)
})

test('freeze remove', async () => {
  const { out, requests } = await runLkt(['freeze', 'remove', 'sale'], { answers })
  expect(out).toBe('freezewindow.locktender.dev/sale deleted\n')
  expect(requests).toEqual([`DELETE ${api}/freezewindows/sale`])
})
