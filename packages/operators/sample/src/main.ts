import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

// Compiled code of earlier runs halves the time of a start. It is kept where only this user can write, since it is run;
// a home that does not exist is not made for it.
const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
if (existsSync(dirname(caches))) enableCompileCache(join(caches, 'locktender'))
const [{ runOperator }, { sampleOperator }] = await Promise.all([
  import('@locktender/runtime/once'),
  import('./index.ts'),
])
await runOperator(sampleOperator)
