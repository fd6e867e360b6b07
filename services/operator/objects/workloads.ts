import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { PodTemplate, Workload } from '@facepass/contracts/facepass';
import { AUTOSCALER, DEPLOYMENT, SERVICE } from '../kubernetes/kinds.ts';
import type { RevisionData } from './revision.ts';
import { labelled, labelsOf, nameOf, object, withVariable, type Owner, type Plan } from './object.ts';
import { apiService } from './traffic.ts';

/** The two halves of a revision, its indexer, and the names under which the halves are reached. */
export function workloads(plan: Plan, revision: string, data: RevisionData): KubernetesObject[] {
  const { owner, spec } = plan;
  const calling = (template: PodTemplate, component: Component) =>
    data.inference ? withInferenceOf(owner, revision, template, component) : template;
  return [
    ...(data.inference
      ? [
          ...deployment(plan, 'inference', revision, data.inference, spec.inference ?? spec.api),
          inferenceService(owner, revision, data.inference),
        ]
      : []),
    ...deployment(plan, 'api', revision, calling(data.api, 'api'), spec.api),
    apiService(owner, spec, nameOf.workload(owner, 'api', revision), revision),
    ...(data.indexer
      ? deployment(plan, 'indexer', revision, calling(data.indexer, 'indexer'), spec.indexer ?? ONE)
      : []),
  ];
}

type Component = 'api' | 'inference' | 'indexer';

/** The size of an indexer that `spec` no longer has, as a rollback may still need it. */
const ONE = { replicas: 1 };

type Size = Omit<Workload, 'template'>;

function deployment(
  plan: Plan,
  component: Component,
  revision: string,
  template: PodTemplate,
  size: Size,
): KubernetesObject[] {
  const { owner } = plan;
  const place = { component, revision, template };
  const labels = labelsOf(owner, place);
  const name = nameOf.workload(owner, component, revision);
  const replicas = replicasOf(plan, name, place, size);
  const spec = {
    ...(replicas !== undefined && { replicas }),
    revisionHistoryLimit: 0,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    selector: { matchLabels: labels },
    template: labelled(template, labels),
  };
  const made = object(owner, DEPLOYMENT, name, place, { spec });
  return size.autoscaling && replicas !== 0 ? [made, autoscaler(plan, place, name, size.autoscaling)] : [made];
}

/** Undefined where an autoscaler decides. */
function replicasOf(
  { status, ownSizes }: Plan,
  name: string,
  { component, revision }: { component: Component; revision: string },
  { replicas = 1, autoscaling }: Size,
): number | undefined {
  if (status.phase === 'Retiring' && status.previous?.revision === revision) return 0;
  // A candidate that is not judged yet takes no photo, and one that was left takes no more.
  if (component === 'indexer' && status.active?.revision !== revision) return 0;
  if (!autoscaling) return replicas;
  // No autoscaler leads a Deployment out of 0.
  return ownSizes[name] === 0 ? autoscaling.minReplicas : ownSizes[name];
}

/**
 * Beside the active revision, one that is not used yet, or no longer, would be shrunk: its least size is what the
 * active one has.
 */
function autoscaler(
  { owner, status, activeSize }: Plan,
  place: { component: Component; revision: string; template: PodTemplate },
  name: string,
  { minReplicas, maxReplicas, metrics, behavior }: NonNullable<Workload['autoscaling']>,
): KubernetesObject {
  const least =
    place.revision === status.active?.revision || place.component === 'indexer'
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

/** The API and the indexer of a revision call the inference of the same revision and no other. */
function withInferenceOf(owner: Owner, revision: string, template: PodTemplate, component: Component): PodTemplate {
  const value = `dns:///${nameOf.workload(owner, 'inference', revision)}.${owner.namespace}.svc:${GRPC_PORT}`;
  const [first] = template.spec.containers;
  const target = template.spec.containers.find((container) => container.name === component) ?? first;
  const containers = template.spec.containers.map((container) =>
    container === target ? withVariable(container, 'INFERENCE_ADDRESS', value) : container,
  );
  return { ...template, spec: { ...template.spec, containers } };
}

const GRPC_PORT = 50051;
