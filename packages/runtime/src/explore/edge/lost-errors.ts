/** Hands errors of promises that nobody waits for to `handler` until the returned function is called. */
export function catchLostErrors(handler: (error: unknown) => void): () => void {
  process.on('unhandledRejection', handler)
  return () => process.off('unhandledRejection', handler)
}
