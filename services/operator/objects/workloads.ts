import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { PodTemplate, Workload } from '@facepass/contracts/facepass';
import { AUTOSCALER, DEPLOYMENT, SERVICE } from '../kubernetes/kinds.ts';
import type { RevisionData } from './revision.ts';
import { labelled, labelsOf, nameOf, object, withVariable, type Owner, type Plan } from './object.ts';
import { apiService } from './traffic.ts';

/** The two halves of a revision and the names under which they are reached. */
export function workloads(plan: Plan, revision: string, data: RevisionData): KubernetesObject[] {
  const { owner, spec } = plan;
  const api = [
    ...deployment(
      plan,
      'api',
      revision,
      data.inference ? withInferenceOf(owner, revision, data.api) : data.api,
      spec.api,
    ),
    apiService(owner, spec, nameOf.workload(owner, 'api', revision), revision),
  ];
  if (!data.inference) return api;
  return [
    ...deployment(plan, 'inference', revision, data.inference, spec.inference ?? spec.api),
    inferenceService(owner, revision, data.inference),
    ...api,
  ];
}

function deployment(
  plan: Plan,
  component: 'api' | 'inference',
  revision: string,
  template: PodTemplate,
  size: Workload,
): KubernetesObject[] {
  const { owner, status } = plan;
  const place = { component, revision, template };
  const labels = labelsOf(owner, place);
  const name = nameOf.workload(owner, component, revision);
  const isRetired = status.phase === 'Retiring' && status.previous?.revision === revision;
  const replicas = isRetired ? 0 : size.autoscaling ? plan.ownSizes[name] : (size.replicas ?? 1);
  const spec = {
    ...(replicas !== undefined && { replicas }),
    revisionHistoryLimit: 0,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    selector: { matchLabels: labels },
    template: labelled(template, labels),
  };
  const made = object(owner, DEPLOYMENT, name, place, { spec });
  return size.autoscaling && !isRetired ? [made, autoscaler(plan, place, name, size.autoscaling)] : [made];
}

/**
 * Beside the active revision, one that is not used yet, or no longer, would be shrunk: its least size is what the
 * active one has.
 */
function autoscaler(
  { owner, status, activeSize }: Plan,
  place: { component: 'api' | 'inference'; revision: string; template: PodTemplate },
  name: string,
  { minReplicas, maxReplicas, metrics, behavior }: NonNullable<Workload['autoscaling']>,
): KubernetesObject {
  const least =
    place.revision === status.active?.revision
      ? minReplicas
      : Math.min(maxReplicas, Math.max(minReplicas, activeSize[place.component]));
  const spec = {
    scaleTargetRef: { apiVersion: DEPLOYMENT.apiVersion, kind: DEPLOYMENT.kind, name },
    minReplicas: least,
    maxReplicas,
    ...(metrics && { metrics }),
    ...(behavior && { behavior }),
  };
  return object(owner, AUTOSCALER, name, place, { spec });
}

/** Headless: a name lookup gives the pods themselves, and only those of this revision. */
function inferenceService(owner: Owner, revision: string, template: PodTemplate): KubernetesObject {
  const place = { component: 'inference', revision, template };
  const ports = [
    { name: 'grpc', port: GRPC_PORT, targetPort: 'grpc', protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' },
  ];
  return object(owner, SERVICE, nameOf.workload(owner, 'inference', revision), place, {
    spec: { clusterIP: 'None', selector: labelsOf(owner, place), ports },
  });
}

/** The API of a revision calls the inference of the same revision and no other. */
function withInferenceOf(owner: Owner, revision: string, template: PodTemplate): PodTemplate {
  const value = `dns:///${nameOf.workload(owner, 'inference', revision)}.${owner.namespace}.svc:${GRPC_PORT}`;
  const [first] = template.spec.containers;
  const target = template.spec.containers.find((container) => container.name === 'api') ?? first;
  const containers = template.spec.containers.map((container) =>
    container === target ? withVariable(container, 'INFERENCE_ADDRESS', value) : container,
  );
  return { ...template, spec: { ...template.spec, containers } };
}

const GRPC_PORT = 50051;
