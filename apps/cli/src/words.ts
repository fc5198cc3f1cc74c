/** `1 control plane`, `12 control planes`. */
export function planes(count: number): string {
  return `${count} control ${count === 1 ? 'plane' : 'planes'}`
}
