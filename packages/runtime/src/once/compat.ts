/**
 * Traps of the implementations that these formats were first written by. Each is mended by default; a quirk is switched
 * on only to reproduce what one of them does. Not reproduced at all: that their command dies without a message when an
 * operator fails before it has done anything.
 */
export interface Compat {
  /** Writes are recorded and seen by nobody: answers are stubs, nothing conflicts, exists already or is gone. */
  readonly writesAreNotSeen: boolean
  /** A namespaced deletion is answered 500, since its body names no namespace. */
  readonly namespacedDeletionsFail: boolean
  /** Lists hide objects in files of their own as soon as any list file exists; single reads find them. */
  readonly listFilesHideSingles: boolean
  /** Lists answer with all objects whatever the field selector says. */
  readonly fieldSelectorsAreIgnored: boolean
  /** A controller that panics does not make the run fail. */
  readonly panicsAreNoFailure: boolean
  /** Nothing says in which order requests were made. */
  readonly orderIsNotWritten: boolean
  /** The later of two requests for one name whose short hashes are equal takes the file of the earlier. */
  readonly hashesCollide: boolean
  /** A write goes to every API server whose list it matches, not to the one it was sent to. */
  readonly writesAreCopied: boolean
  /** Output with undeclared writes cannot be read. */
  readonly undeclaredIsUnreadable: boolean
  /** Events are recorded without the name of the controller. */
  readonly eventsAreAnonymous: boolean
  /** The key of the name is misspelt in the metadata of requests. Library-go before September 2025. */
  readonly nameIsMisspelt: boolean
  /** Bodies of creations and updates have a null creationTimestamp. Go clients before Kubernetes 0.34. */
  readonly nullCreationTimestamps: boolean
}

/** All mended. */
export const MENDED: Compat = {
  writesAreNotSeen: false,
  namespacedDeletionsFail: false,
  listFilesHideSingles: false,
  fieldSelectorsAreIgnored: false,
  panicsAreNoFailure: false,
  orderIsNotWritten: false,
  hashesCollide: false,
  writesAreCopied: false,
  undeclaredIsUnreadable: false,
  eventsAreAnonymous: false,
  nameIsMisspelt: false,
  nullCreationTimestamps: false,
}

/** As library-go does it since September 2025. */
export const STRICT: Compat = {
  writesAreNotSeen: true,
  namespacedDeletionsFail: true,
  listFilesHideSingles: true,
  fieldSelectorsAreIgnored: true,
  panicsAreNoFailure: true,
  orderIsNotWritten: true,
  hashesCollide: true,
  writesAreCopied: true,
  undeclaredIsUnreadable: true,
  eventsAreAnonymous: true,
  nameIsMisspelt: false,
  nullCreationTimestamps: false,
}

/** As the binaries of 2024 do it, those of multi-operator-manager among them. */
const STRICT_2024: Compat = { ...STRICT, nameIsMisspelt: true, nullCreationTimestamps: true }

/** By the names of the flag `--compat`. */
export const COMPAT: Readonly<Record<string, Compat>> = { none: MENDED, strict: STRICT, 'strict-2024': STRICT_2024 }
