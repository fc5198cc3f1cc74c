import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  Client,
  configMaps,
  loadKubeconfig,
  systemClock,
  transportFromKubeconfig,
  type KubeObject,
} from '@locktender/kube'
import { afterEach, expect, test } from 'vitest'
import { Program } from './support/program.ts'
import { temporaryFolder } from './support/simulator-process.ts'

const started: Program[] = []

function start(path: string, args: readonly string[], env: Record<string, string>): Program {
  const program = new Program(path, args, env)
  started.push(program)
  return program
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((program) => program.end('SIGKILL')))
})

/** An operator in the language of the shell: makes the ConfigMap `shout` of the ConfigMap `whisper`. */
const OPERATOR = `#!/bin/sh
list() { echo "$1: {exactResources: [{version: v1, resource: configmaps, namespace: default, name: $2}]}"; }
case "$1" in
  input-resources) list applyConfigurationResources whisper; exit ;;
  output-resources) list userWorkloadResources shout; exit ;;
esac
for flag in "$@"; do
  case "$flag" in --input-dir=*) IN=\${flag#*=} ;; --output-dir=*) OUT=\${flag#*=} ;; esac
done
PLACE="$OUT/UserWorkload/Apply/namespaces/default/core/configmaps"
mkdir -p "$PLACE"
SAID=$(sed -n 's/^ *"said": "\\(.*\\)".*/\\1/p' "$IN/namespaces/default/core/configmaps.yaml" 2>/dev/null | tr a-z A-Z)
if [ -n "$SAID" ]; then
  cat > "$PLACE/0000-metadata-shout.yaml" <<END
{action: Apply, resourceType: {Group: "", Version: v1, Resource: configmaps}, namespace: default, name: shout, fieldManager: shouter}
END
  cat > "$PLACE/0000-body-shout.yaml" <<END
{apiVersion: v1, kind: ConfigMap, metadata: {name: shout, namespace: default}, data: {said: "$SAID"}}
END
fi
echo 'controllerResults: [{controllerName: shouter, status: Succeeded}]' > "$OUT/controller-results.yaml"
`

test('the agent runs an operator of any language beside its own work', { timeout: 120_000 }, async () => {
  await using folder = await temporaryFolder()
  const file = (name: string) => join(folder.path, name)
  await writeFile(file('shouter'), OPERATOR)
  await chmod(file('shouter'), 0o755)
  await writeFile(
    file('operators.yaml'),
    'clusters: {a: {kubeconfig: people}}\noperators: [{name: shouter, command: [./shouter], cluster: a, debounce: 100ms, coolDown: 100ms}]\n',
  )
  const server = start('test/support/serve-fleet.ts', [folder.path], { HOME: folder.path })
  const { place } = JSON.parse((await server.printed(/^Serving (.*)$/m))[1]!) as {
    place: { name: string; environment: string; sector: string; region: string }
  }
  const { name, environment, sector, region } = place
  const connection = ['--hub-kubeconfig', file('agent'), '--hub-context', 'hub', '--kubeconfig', file('agent')]
  const where = ['--context', name, '--name', name, '--environment', environment, '--sector', sector]
  const rest = ['--region', region, '--operators', file('operators.yaml'), '--metrics-address', '127.0.0.1:0']
  const agent = start('apps/agent/src/main.ts', [...connection, ...where, ...rest], { HOME: folder.path })
  await Promise.all([agent.printed(/"Started"/), agent.printed(/"Runs operators","operators":"shouter"/)])

  const clock = systemClock()
  const admin = new Client({
    transport: await transportFromKubeconfig(await loadKubeconfig({ path: file('people') }), { clock }),
  })
  const seen = async (said: string) => {
    const stop = new AbortController()
    const watch = admin.watch(configMaps, { namespace: 'default', sendInitialEvents: true, signal: stop.signal })
    for await (const event of watch) {
      if (event.type === 'BOOKMARK') continue
      const object = event.object<KubeObject & { data?: Record<string, string> }>()
      if (object.metadata.name === 'shout' && object.data?.['said'] === said) stop.abort()
    }
  }
  const metadata = { name: 'whisper', namespace: 'default' }
  const whisper = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { said: 'hello' } }
  await admin.create<KubeObject>(configMaps, whisper)
  await seen('HELLO')
  await admin.patch(configMaps, metadata, { data: { said: 'goodbye' } }, { type: 'merge' })
  await seen('GOODBYE')

  const url = (await agent.printed(/"Serves metrics","url":"([^"]+)"/))[1]!
  const numbers = await (await fetch(`${url}/metrics`)).text()
  expect(numbers).toMatch(/^locktender_operator_runs_total\{operator="shouter",outcome="succeeded"\} [23]$/m)
  expect(numbers).toMatch(/controller="operator-shouter"/)
  expect(await agent.end('SIGTERM')).toBe(0)
})
