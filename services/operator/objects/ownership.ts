import type { KubernetesObject } from '../kubernetes/cluster.ts';
import { FACEPASS, LABEL } from '../kubernetes/kinds.ts';
import type { Owner } from './object.ts';

/** Annotation of an object of somebody else, with the name of the Facepass that may take it over. */
export const ADOPT = 'facepass.dev/adopt';

/**
 * Whose an object is that has the name of one of `owner`'s and may not be written, in words; null where it may: it is
 * its own, or whoever it belongs to has given it away by the annotation ADOPT.
 */
export function strangerOf({ kind, metadata }: KubernetesObject, owner: Pick<Owner, 'name' | 'uid'>): string | null {
  const { name, labels = {}, annotations = {}, ownerReferences = [] } = metadata;
  const controller = ownerReferences.find((one) => one.controller);
  const isOwners =
    controller?.uid === owner.uid || (controller?.kind === FACEPASS.kind && controller.name === owner.name);
  if (isOwners || (!controller && labels[LABEL.name] === owner.name)) return null;
  if (!controller && annotations[ADOPT] === owner.name) return null;
  const release = annotations['meta.helm.sh/release-name'];
  const whose = controller
    ? `${controller.kind} ${controller.name}`
    : release
      ? `the Helm release ${release}`
      : 'another owner';
  return `${kind} ${name} belongs to ${whose}; not changed`;
}
