interface Described {
  readonly description: string
  readonly fields: Readonly<Record<string, string>>
}

/** What the parts of the metadata mean that every object and list has, by the name of their message. */
export const metadataDescriptions: Readonly<Record<string, Described>> = {
  'meta/v1.ObjectMeta': {
    description: 'Metadata that every object has.',
    fields: {
      name: 'Name of the object; unique within its namespace and kind. It cannot be changed.',
      generateName: 'Beginning of a name the server completes when no name is given.',
      namespace: 'Namespace of the object. It cannot be changed.',
      uid: 'Identity of the object in time and space, set by the server.',
      resourceVersion: 'Version of the object; changes with every write.',
      generation: 'Counts changes of the desired state.',
      creationTimestamp: 'When the object was created.',
      deletionTimestamp: 'When the deletion of the object was requested.',
      deletionGracePeriodSeconds: 'Seconds the object has to terminate gracefully.',
      labels: 'Keys and values by which objects are selected.',
      annotations: 'Keys and values that are not for selection.',
      finalizers: 'Names of those who must act before the object may go away.',
      ownerReferences: 'Objects this one depends on; it goes away when all of them have.',
      managedFields: 'Which manager owns which fields.',
      selfLink: 'No longer set.',
    },
  },
  'meta/v1.OwnerReference': {
    description: 'Names an owning object.',
    fields: {
      apiVersion: 'API version of the owner.',
      kind: 'Kind of the owner.',
      name: 'Name of the owner.',
      uid: 'UID of the owner.',
      controller: 'Whether the owner is the managing controller.',
      blockOwnerDeletion: 'Whether the owner waits for this object when it is deleted in the foreground.',
    },
  },
  'meta/v1.ManagedFieldsEntry': {
    description: 'The fields one manager owns.',
    fields: {
      manager: 'Name of the manager.',
      operation: 'Apply or Update.',
      apiVersion: 'Version the fields are of.',
      time: 'When the entry last changed.',
      fieldsType: 'Always FieldsV1.',
      fieldsV1: 'The set of fields.',
      subresource: 'Subresource through which the fields were written.',
    },
  },
  'meta/v1.ListMeta': {
    description: 'Metadata of a list.',
    fields: {
      resourceVersion: 'Version at which the list is consistent.',
      continue: 'Token for the next page.',
      remainingItemCount: 'Objects after this page.',
      selfLink: 'No longer set.',
    },
  },
}
