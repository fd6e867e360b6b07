import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { ParentRef, Spec } from '@facepass/contracts/facepass';
import { LABEL } from '../kubernetes/kinds.ts';
import { nameOf, type Owner } from '../objects/object.ts';
import type { RouteState } from '../decide/observation.ts';

export interface HttpRoute extends KubernetesObject {
  spec: { rules?: { backendRefs?: { name: string; weight?: number }[] }[] };
  status?: { parents?: { parentRef: ParentRef; conditions?: RouteCondition[] }[] };
}

interface RouteCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}

export interface Service extends KubernetesObject {
  spec: { selector?: Record<string, string> };
}

/** The operator's route as it is; `routes` null: the cluster knows no such kind. */
export function routeStateOf(routes: HttpRoute[] | null, owner: Owner, { traffic }: Spec): RouteState {
  if (routes === null)
    return {
      weights: null,
      accepted: false,
      unknownKind: true,
      message: 'the cluster has no HTTPRoute: install the Gateway API, or use mode Selector',
    };
  const route = routes.find((one) => one.metadata.name === owner.name);
  if (!route) return { weights: null, accepted: false, unknownKind: false, message: 'there is no route yet' };
  const complaint = (traffic.route?.parentRefs ?? [])
    .map((parent) => complaintOf(route, parent, owner.namespace))
    .find((one) => one !== null);
  return {
    weights: weightsIn(route, owner),
    accepted: complaint === undefined,
    unknownKind: false,
    message: complaint ?? 'accepted at its current generation',
  };
}

/** A Service's selector as a route of all or nothing. */
export function selectorStateOf(services: Service[], owner: Owner): RouteState {
  const revision = services.find((one) => one.metadata.name === nameOf.active(owner))?.spec.selector?.[LABEL.revision];
  return {
    weights: revision ? { [revision]: 100 } : null,
    accepted: true,
    unknownKind: false,
    message: revision ? 'the selector is set' : 'there is no Service yet',
  };
}

function weightsIn({ spec }: HttpRoute, owner: Owner): Record<string, number> {
  const prefix = nameOf.workload(owner, 'api', '');
  const backends = spec.rules?.[0]?.backendRefs ?? [];
  return Object.fromEntries(
    backends.map(({ name, weight }) => [name.startsWith(prefix) ? name.slice(prefix.length) : name, weight ?? 1]),
  );
}

/** Why a gateway does not serve the current route, or null if it does. */
function complaintOf({ metadata, status }: HttpRoute, parent: ParentRef, namespace: string): string | null {
  const answers = (status?.parents ?? []).filter(
    ({ parentRef }) =>
      parentRef.name === parent.name &&
      (parentRef.namespace ?? namespace) === (parent.namespace ?? namespace) &&
      (parentRef.sectionName ?? '') === (parent.sectionName ?? ''),
  );
  if (answers.length === 0) return `gateway ${parent.name} has not accepted the route`;
  for (const type of ['Accepted', 'ResolvedRefs']) {
    const conditions = answers.map((answer) => answer.conditions?.find((one) => one.type === type));
    if (conditions.some((one) => one?.status === 'True' && one.observedGeneration === metadata.generation)) continue;
    const refused = conditions.find((one) => one?.status === 'False');
    return refused
      ? `gateway ${parent.name}: ${type} is false: ${refused.reason ?? ''} ${refused.message ?? ''}`
      : `gateway ${parent.name} has not processed generation ${metadata.generation} of the route (${type})`;
  }
  return null;
}
