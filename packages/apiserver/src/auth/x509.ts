import type * as X509 from '@peculiar/x509'
import { provideMetadata } from './reflect-compat.ts'

export type { X509 }

let loading: Promise<typeof X509> | undefined
let loaded: typeof X509 | undefined

/** The certificate library. Loading it takes longer than all the rest of the server, so only who writes certificates does. */
export function loadX509(): Promise<typeof X509> {
  loading ??= (async () => {
    provideMetadata()
    loaded = await import('@peculiar/x509')
    return loaded
  })()
  return loading
}

/** The library for who cannot wait; {@link loadX509} must have resolved before. */
export function x509Now(): typeof X509 {
  if (loaded === undefined) throw new Error('the certificate library has not been loaded')
  return loaded
}
