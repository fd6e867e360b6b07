import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { ParentRef, Spec, Status } from '@facepass/contracts/facepass';
import { HTTP_ROUTE, SERVICE } from '../kubernetes/kinds.ts';
import { weightsOf } from '../decide/observation.ts';
import { labelsOf, nameOf, object, type Owner } from './object.ts';

/**
 * The route, with every field that the API server would fill in, so that nobody sees a difference where there is none.
 * A revision without traffic is not named: a gateway that ignores weights would send it some. None before anything
 * serves.
 */
export function httpRoute(owner: Owner, { traffic }: Spec, status: Status): KubernetesObject[] {
  const weights = Object.entries(weightsOf(status));
  if (weights.length === 0 || !traffic.route) return [];
  const { parentRefs, hostnames, matches, annotations, filters, timeouts } = traffic.route;
  const backendRefs = weights.map(([revision, weight]) => ({
    group: '',
    kind: 'Service',
    name: nameOf.workload(owner, 'api', revision),
    port: traffic.service.port,
    weight,
  }));
  const spec = {
    parentRefs: parentRefs.map(explicitParent),
    ...(hostnames && hostnames.length > 0 && { hostnames }),
    rules: [
      {
        matches: matches ?? [{ path: { type: 'PathPrefix', value: '/' } }],
        backendRefs,
        ...(filters && filters.length > 0 && { filters }),
        ...(timeouts && { timeouts }),
      },
    ],
  };
  return [object(owner, HTTP_ROUTE, owner.name, { component: 'api' }, { spec }, annotations)];
}

/**
 * Clients inside the cluster, and all traffic where there is no gateway. It leaves the active revision only for one
 * that has everything.
 */
export function activeService(owner: Owner, spec: Spec, status: Status): KubernetesObject[] {
  const revision = servedBySelector(spec, status);
  return revision
    ? [
        apiService(
          owner,
          spec,
          nameOf.active(owner),
          revision,
          spec.traffic.service.type,
          spec.traffic.service.annotations,
        ),
      ]
    : [];
}

/** The candidate where there is one, for people who want to look before it gets traffic. */
export function previewService(owner: Owner, spec: Spec, { candidate, active }: Status): KubernetesObject[] {
  const shown = candidate ?? active;
  return shown ? [apiService(owner, spec, nameOf.preview(owner), shown.revision)] : [];
}

/** A Service over the API pods of one revision. */
export function apiService(
  owner: Owner,
  { api: { template }, traffic }: Spec,
  name: string,
  revision: string,
  type = 'ClusterIP',
  annotations?: Record<string, string>,
): KubernetesObject {
  const ports = [
    { name: 'http', port: traffic.service.port, targetPort: 'http', protocol: 'TCP', appProtocol: 'http' },
  ];
  const spec = {
    type,
    selector: labelsOf(owner, { component: 'api', revision }),
    ports,
    ...(traffic.service.ipFamilyPolicy && { ipFamilyPolicy: traffic.service.ipFamilyPolicy }),
  };
  const isOfRevision = name === nameOf.workload(owner, 'api', revision);
  return object(
    owner,
    SERVICE,
    name,
    { component: 'api', template, ...(isOfRevision && { revision }) },
    { spec },
    annotations,
  );
}

function servedBySelector({ traffic }: Spec, { active, candidate, weight }: Status): string | undefined {
  return traffic.mode === 'Selector' && weight === 100 ? candidate?.revision : active?.revision;
}

function explicitParent(parent: ParentRef): ParentRef {
  return { group: 'gateway.networking.k8s.io', kind: 'Gateway', ...parent };
}
