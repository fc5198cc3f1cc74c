import type * as X509 from '@peculiar/x509'

export type { X509 }

let loading: Promise<typeof X509> | undefined

/** The certificate library. Loading it takes longer than all the rest of the server, so only who writes certificates does. */
export function loadX509(): Promise<typeof X509> {
  loading ??= (async () => {
    // Its dependency injection counts on the metadata functions of Reflect.
    await import('reflect-metadata')
    return import('@peculiar/x509')
  })()
  return loading
}
