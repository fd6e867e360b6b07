import type { KubernetesObject } from '../kubernetes/cluster.ts';
import type { Candidate, Container, PodTemplate, Spec } from '@facepass/contracts/facepass';
import { JOB } from '../kubernetes/kinds.ts';
import { labelled, labelsOf, nameOf, object, withVariable, type Owner } from './object.ts';

/**
 * The migration of a release. Its number is in the name, since a Job cannot be changed and a release tried again needs
 * another.
 */
export function migrationJob(
  owner: Owner,
  { template, ...limits }: NonNullable<Spec['migration']>,
  { number, revision }: Candidate,
): KubernetesObject {
  const [container] = template.spec.containers;
  const podFailurePolicy = {
    rules: [
      // The migrator's exit codes after which trying again cannot help: usage, data, configuration.
      ...(container
        ? [{ action: 'FailJob', onExitCodes: { containerName: container.name, operator: 'In', values: [64, 65, 78] } }]
        : []),
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    ],
  };
  return job(owner, nameOf.job(owner, 'migrate', number, revision), { component: 'migration', revision }, template, {
    ...limits,
    podFailurePolicy,
  });
}

/** The smoke test, through the Service of the candidate's own API pods. */
export function smokeTestJob(
  owner: Owner,
  { template, ...limits }: NonNullable<Spec['smokeTest']>,
  port: number,
  { number, revision }: Candidate,
): KubernetesObject {
  const url = `http://${nameOf.workload(owner, 'api', revision)}:${port}`;
  const containers = template.spec.containers.map((container) => withVariable(container, 'SMOKE_TEST_URL', url));
  const told = { ...template, spec: { ...template.spec, containers } };
  return job(owner, nameOf.job(owner, 'smoke', number, revision), { component: 'smoke-test', revision }, told, {
    ...limits,
    ttlSecondsAfterFinished: 86_400,
  });
}

/** Whether the migration would end the older API's table, which no rollback of traffic could bear. */
export function contracts(template: PodTemplate | undefined): boolean {
  return (template?.spec.containers ?? []).some(({ args, command }: Container) =>
    [...(args ?? []), ...(command ?? [])].some((word) => /(^|\s)--contract\b/.test(word)),
  );
}

function job(
  owner: Owner,
  name: string,
  place: { component: string; revision: string },
  template: PodTemplate,
  settings: object,
): KubernetesObject {
  const labels = labelsOf(owner, place);
  const made = labelled(template, labels);
  // The last lines of a failed container's log become the reason that people read.
  const containers = made.spec.containers.map((container) => ({
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...container,
  }));
  const restartPolicy = made.spec['restartPolicy'] ?? 'Never';
  return object(
    owner,
    JOB,
    name,
    { ...place, template },
    { spec: { ...settings, template: { ...made, spec: { ...made.spec, restartPolicy, containers } } } },
  );
}
