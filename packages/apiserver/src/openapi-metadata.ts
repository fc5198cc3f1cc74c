interface FieldSchema {
  readonly type: string
  readonly description: string
  readonly format?: string
  readonly items?: object
  readonly additionalProperties?: object
}

function text(description: string): FieldSchema {
  return { type: 'string', description }
}

function time(description: string): FieldSchema {
  return { type: 'string', format: 'date-time', description }
}

function map(description: string): FieldSchema {
  return { type: 'object', additionalProperties: { type: 'string', default: '' }, description }
}

/** Schemas of the metadata every object and list has; names begin with `prefix`. */
export function metadataSchemas(prefix: string): Record<string, object> {
  const list = (name: string, description: string): FieldSchema => ({
    type: 'array',
    description,
    items: { allOf: [{ $ref: `#/components/schemas/${prefix}.${name}` }] },
  })
  return {
    [`${prefix}.ObjectMeta`]: {
      type: 'object',
      description: 'Metadata that every object has.',
      properties: {
        name: text('Name of the object; unique within its namespace and kind. It cannot be changed.'),
        generateName: text('Beginning of a name the server completes when no name is given.'),
        namespace: text('Namespace of the object. It cannot be changed.'),
        uid: text('Identity of the object in time and space, set by the server.'),
        resourceVersion: text('Version of the object; changes with every write.'),
        generation: { type: 'integer', format: 'int64', description: 'Counts changes of the desired state.' },
        creationTimestamp: time('When the object was created.'),
        deletionTimestamp: time('When the deletion of the object was requested.'),
        deletionGracePeriodSeconds: {
          type: 'integer',
          format: 'int64',
          description: 'Seconds the object has to terminate gracefully.',
        },
        labels: map('Keys and values by which objects are selected.'),
        annotations: map('Keys and values that are not for selection.'),
        finalizers: {
          type: 'array',
          description: 'Names of those who must act before the object may go away.',
          items: { type: 'string', default: '' },
        },
        ownerReferences: list('OwnerReference', 'Objects this one depends on; it goes away when all of them have.'),
        managedFields: list('ManagedFieldsEntry', 'Which manager owns which fields.'),
      },
    },
    [`${prefix}.OwnerReference`]: {
      type: 'object',
      description: 'Names an owning object.',
      required: ['apiVersion', 'kind', 'name', 'uid'],
      properties: {
        apiVersion: text('API version of the owner.'),
        kind: text('Kind of the owner.'),
        name: text('Name of the owner.'),
        uid: text('UID of the owner.'),
        controller: { type: 'boolean', description: 'Whether the owner is the managing controller.' },
        blockOwnerDeletion: {
          type: 'boolean',
          description: 'Whether the owner waits for this object when it is deleted in the foreground.',
        },
      },
    },
    [`${prefix}.ManagedFieldsEntry`]: {
      type: 'object',
      description: 'The fields one manager owns.',
      properties: {
        manager: text('Name of the manager.'),
        operation: text('Apply or Update.'),
        apiVersion: text('Version the fields are of.'),
        time: time('When the entry last changed.'),
        fieldsType: text('Always FieldsV1.'),
        fieldsV1: { type: 'object', description: 'The set of fields.' },
        subresource: text('Subresource through which the fields were written.'),
      },
    },
    [`${prefix}.ListMeta`]: {
      type: 'object',
      description: 'Metadata of a list.',
      properties: {
        resourceVersion: text('Version at which the list is consistent.'),
        continue: text('Token for the next page.'),
        remainingItemCount: { type: 'integer', format: 'int64', description: 'Objects after this page.' },
      },
    },
  }
}
