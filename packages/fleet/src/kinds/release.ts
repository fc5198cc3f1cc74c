import type { KubeObject } from '@locktender/kube'
import { AGE } from '../kind.ts'
import type { KindDefinition } from '../kind.ts'
import { array, object, optional, string } from '../schema/builder.ts'
import type { Infer } from '../schema/builder.ts'
import { anyImage, version, word } from '../schema/common.ts'
import { releases } from '../well-known.ts'

const image = object('The image of one component in this release.', {
  component: word('Component by its name in the payload.'),
  image: anyImage('Image reference.'),
  commit: optional(string('Source commit it was built from.', { maxLength: 64, pattern: '^[0-9a-f]{7,64}$' })),
  architectures: array('CPU architectures the image supports.', word('Architecture.'), { maxItems: 8, unique: true }),
})

const spec = object('Content of the release payload.', {
  version: version('Version; equal to the name of the object.'),
  line: string('Release line, major and minor: 4.20.', { maxLength: 16, pattern: '^[0-9]+\\.[0-9]+$' }),
  images: array('Images by component.', image, { maxItems: 400, keys: ['component'] }),
  channels: array('Update channels that offer it.', word('Channel.'), { maxItems: 64, unique: true }),
})

export type ReleaseSpec = Infer<typeof spec>
export type ReleaseImage = Infer<typeof image>

/** A release payload. Its name is its version. */
export interface Release extends KubeObject {
  readonly spec: ReleaseSpec
}

export const releaseKind: KindDefinition = {
  resource: releases,
  description: 'A release payload: its components with image, source commit and architectures.',
  shortNames: ['rel'],
  columns: [
    { name: 'Line', type: 'string', jsonPath: '.spec.line', description: 'Release line.' },
    {
      name: 'Operator-Image',
      type: 'string',
      jsonPath: '.spec.images[?(@.component=="control-plane-operator")].image',
      description: 'Image of the control-plane operator.',
      priority: 1,
    },
    AGE,
  ],
  spec,
}
