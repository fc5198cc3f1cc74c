/** Version of Kubernetes whose behaviour the server follows. */
const KUBERNETES = { major: '1', minor: '34', patch: '0' }

/** The body of `/version`; `product` tells which build of ours answers. */
export function versionInfo(product: string): Record<string, string> {
  const { major, minor, patch } = KUBERNETES
  return {
    major,
    minor,
    gitVersion: `v${major}.${minor}.${patch}+locktender-${product}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'none',
    compiler: 'node',
    platform: `${process.platform}/${process.arch}`,
  }
}
