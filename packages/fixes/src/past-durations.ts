import type { ControlPlane } from '@locktender/fleet'
import { DurationSketch } from '@locktender/rollout'

/**
 * How long changes of a component took in earlier rollouts, from the last one of each control plane: a sketch for each
 * wave, since waves differ from each other in more than chance. `except`: a rollout that is left out.
 */
export function pastDurations(
  controlPlanes: Iterable<ControlPlane>,
  component: string,
  except?: string,
): DurationSketch[] {
  const waves = new Map<string, DurationSketch>()
  for (const { spec, status } of controlPlanes) {
    const operation = status?.operations?.find((each) => each.component === component)
    if (status === undefined || operation === undefined) continue
    const { rollout, phase, image, startTime, completionTime } = operation
    // Without an image it was taken back.
    if (image === undefined || rollout === undefined || rollout === except || completionTime === undefined) continue
    if (phase !== 'Applied' && phase !== 'Failed') continue
    const override = spec.overrides?.find((each) => each.component === component && each.rollout === rollout)
    const { environment, sector } = status.identity
    const wave = [rollout, environment, sector, override?.wave ?? ''].join('/')
    let sketch = waves.get(wave)
    if (sketch === undefined) waves.set(wave, (sketch = new DurationSketch()))
    sketch.add(Date.parse(completionTime) - Date.parse(startTime))
  }
  return [...waves.values()]
}
