/**
 * The platforms HyperShift's override file knows, in the order it lists them: key in the file (the lower-cased
 * `spec.platform.type` of a HostedCluster) and the type itself. A key other than these is ignored by its loader.
 */
export const overridePlatforms = [
  { key: 'azure', type: 'Azure' },
  { key: 'aws', type: 'AWS' },
] as const

/** A platform key of the override file. */
export type OverridePlatformKey = (typeof overridePlatforms)[number]['key']
