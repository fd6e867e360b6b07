import type { KubernetesObject, Resource } from '../kubernetes/cluster.ts';
import type { Container, PodTemplate, Spec, Status } from '@facepass/contracts/facepass';
import { FACEPASS, LABEL } from '../kubernetes/kinds.ts';
import type { RevisionData } from './revision.ts';

/** The Facepass resource that the objects belong to. */
export interface Owner {
  name: string;
  namespace: string;
  uid: string;
}

/** What the wanted objects are made of. */
export interface Plan {
  owner: Owner;
  spec: Spec;
  status: Status;
  /** Templates by revision, from the ControllerRevisions and the resource itself. */
  revisions: Record<string, RevisionData | undefined>;
  /**
   * Pods that the active revision has now; another one kept or made beside it is to be as large, even where an
   * autoscaler decides.
   */
  activeSize: { api: number; inference: number };
  /**
   * Sizes of the Deployments, by name, whose size only the operator has ever set: letting go of it would set it to 1.
   */
  ownSizes: Record<string, number>;
}

/** What tells an object from the others of the same owner. */
export interface Place {
  component?: string;
  revision?: string;
  /**
   * Of its pods: the object takes over the labels by which people and runbooks look for both. No selector uses them.
   */
  template?: PodTemplate;
}

/** An object of the operator, with its labels and its owner, by whose end it ends. */
export function object(
  owner: Owner,
  { apiVersion, kind }: Resource,
  name: string,
  place: Place,
  content: object,
  annotations?: Record<string, string>,
): KubernetesObject {
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: owner.namespace,
      labels: {
        ...commonLabels(place.template),
        ...labelsOf(owner, place),
        'app.kubernetes.io/managed-by': 'facepass-operator',
      },
      ...(annotations && { annotations }),
      ownerReferences: [
        { apiVersion: FACEPASS.apiVersion, kind: FACEPASS.kind, name: owner.name, uid: owner.uid, controller: true },
      ],
    },
    ...content,
  };
}

function commonLabels(template: PodTemplate | undefined): Record<string, string> {
  const labels = template?.metadata?.labels ?? {};
  return Object.fromEntries(
    ['name', 'instance', 'component']
      .map((one) => `app.kubernetes.io/${one}`)
      .flatMap((label) => (labels[label] === undefined ? [] : [[label, labels[label]]])),
  );
}

/** The labels that selectors use. */
export function labelsOf(owner: Owner, { component, revision }: Place): Record<string, string> {
  return {
    [LABEL.name]: owner.name,
    ...(component && { [LABEL.component]: component }),
    ...(revision && { [LABEL.revision]: revision }),
  };
}

/** A pod template with the operator's labels added, so that its own selectors and those of policies go on working. */
export function labelled(template: PodTemplate, labels: Record<string, string>): PodTemplate {
  const { labels: own, annotations } = template.metadata ?? {};
  return { ...template, metadata: { ...(annotations && { annotations }), labels: { ...own, ...labels } } };
}

/** A container with an environment variable set, in place of one of that name. */
export function withVariable(container: Container, name: string, value: string): Container {
  const others = (container.env ?? []).filter((one) => one.name !== name);
  return { ...container, env: [{ name, value }, ...others] };
}

/** Names of what belongs to one revision. */
export const nameOf = {
  workload: (owner: Owner, component: string, revision: string) => `${owner.name}-${component}-${revision}`,
  active: (owner: Owner) => `${owner.name}-api`,
  preview: (owner: Owner) => `${owner.name}-api-preview`,
  job: (owner: Owner, task: 'migrate' | 'smoke', number: number, revision: string) =>
    `${owner.name}-${task}-${number}-${revision}`,
};
