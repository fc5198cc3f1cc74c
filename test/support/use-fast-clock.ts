import { registerHooks } from 'node:module'

// Loaded before a program (node --import): it then runs as it is, but by the clock of the test.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    if (!resolved.url.endsWith('/kube/src/edge/system-clock.ts')) return resolved
    return { ...resolved, url: new URL('fast-clock.ts', import.meta.url).href }
  },
})
