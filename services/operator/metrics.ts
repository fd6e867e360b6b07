import { createRegistry } from '@facepass/runtime/exposition';
import { collectDefaultMetrics, Counter, Gauge } from 'prom-client';
import { PHASES, type Facepass, type Status } from '@facepass/contracts/facepass';
import { weightsOf } from './decide/observation.ts';

/** What the operator tells of its work (docs/observability.md). */
export type Metrics = ReturnType<typeof createMetrics>;

const PREFIX = 'facepass_operator_';
const RELEASE = ['namespace', 'name'] as const;

/** The metrics of one process, in a registry of their own. */
export function createMetrics() {
  const registry = createRegistry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name: PREFIX + name, help, labelNames, registers });
  const reconciles = new Counter({
    name: `${PREFIX}reconciles_total`,
    help: 'Reconciliations of a resource: done, again (something changed meanwhile), or failed.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['done', 'again', 'failed']) reconciles.inc({ result }, 0);
  return {
    registry,
    leader: gauge('leader', '1 for the process that holds the Lease.'),
    leads: gauge(
      'namespace_leader',
      '1 if this process leads for the namespace `watched`, 0 if it is on standby; `*`: every namespace.',
      ['watched'],
    ),
    reconciles,
    errors: new Counter({
      name: `${PREFIX}kubernetes_errors_total`,
      help: 'Failed calls of the Kubernetes API, by status; 0: no answer.',
      labelNames: ['code'],
      registers,
    }),
    synced: gauge(
      'watch_synced_timestamp_seconds',
      'Unix time when a watch was last up to date (list, event or planned reconnect); without namespace for a ' +
        'cluster-wide watch.',
      ['namespace', 'kind'],
    ),
    phase: gauge('release_phase', '1 for the current phase of the resource, 0 for the others.', [...RELEASE, 'phase']),
    desired: gauge('release_desired_weight_ratio', 'Desired share of the traffic of a revision.', [
      ...RELEASE,
      'revision',
    ]),
    observed: gauge('release_observed_weight_ratio', 'Share of the requests that the API pods of a revision counted.', [
      ...RELEASE,
      'revision',
    ]),
    started: gauge('release_step_start_timestamp_seconds', 'Unix time when the current step began.', RELEASE),
    deadline: gauge(
      'release_step_deadline_timestamp_seconds',
      'Unix time of the deadline of the current step; absent without a release in progress, or while it is paused.',
      RELEASE,
    ),
    gate: gauge('release_gate', '1 for the gate’s answer, 0 for the others.', [...RELEASE, 'gate', 'result']),
    gateValue: gauge('release_gate_value', 'Value that a gate measured.', [...RELEASE, 'gate']),
    gateLimit: gauge('release_gate_limit', 'Limit of a gate.', [...RELEASE, 'gate']),
    releases: new Counter({
      name: `${PREFIX}releases_total`,
      help: 'Finished releases.',
      labelNames: [...RELEASE, 'result'],
      registers,
    }),
    /** By namespace/name of a resource, what removes each of its series: prom-client does so by all labels only. */
    shown: new Map<string, (() => void)[]>(),
  };
}

/** Shows the state of one resource. */
export function recordRelease(
  metrics: Metrics,
  { metadata: { namespace = '', name } }: Facepass,
  status: Status,
): void {
  const labels = { namespace, name };
  forgetState(metrics, labels);
  const shown: (() => void)[] = [];
  metrics.shown.set(keyOf(labels), shown);
  const show = (gauge: Gauge, own: Record<string, string>, value: number) => {
    gauge.set({ ...labels, ...own }, value);
    shown.push(() => gauge.remove({ ...labels, ...own }));
  };
  for (const phase of PHASES) show(metrics.phase, { phase }, phase === status.phase ? 1 : 0);
  for (const [revision, weight] of Object.entries(weightsOf(status))) show(metrics.desired, { revision }, weight / 100);
  if (status.candidate && status.weight === 0) show(metrics.desired, { revision: status.candidate.revision }, 0);
  if (status.candidate && status.active && status.observedWeight !== undefined) {
    show(metrics.observed, { revision: status.candidate.revision }, status.observedWeight / 100);
    show(metrics.observed, { revision: status.active.revision }, 1 - status.observedWeight / 100);
  }
  if (status.stepStartedAt) show(metrics.started, {}, Date.parse(status.stepStartedAt) / 1000);
  if (status.stepDeadline) show(metrics.deadline, {}, Date.parse(status.stepDeadline) / 1000);
  for (const { name: gate, result, value, limit } of status.phase === 'Shifting' ? status.gates : []) {
    for (const answer of ['pass', 'hold', 'fail'])
      show(metrics.gate, { gate, result: answer }, answer === result ? 1 : 0);
    if (value !== undefined) show(metrics.gateValue, { gate }, value);
    if (limit !== undefined) show(metrics.gateLimit, { gate }, limit);
  }
  // A series that begins with the first rollback has no increase: the alert would miss it.
  for (const result of ['succeeded', 'rolled_back']) metrics.releases.inc({ ...labels, result }, 0);
}

/** Counts a release that ended; one that another superseded is neither a success nor a rollback. */
export function recordEnd(
  metrics: Metrics,
  { metadata: { namespace = '', name } }: Facepass,
  result: string | undefined,
): void {
  if (result === 'succeeded' || result === 'rolled_back') metrics.releases.inc({ namespace, name, result });
}

/** Stops showing a resource that is gone, or all of them where this process no longer leads. */
export function forgetRelease(metrics: Metrics, labels?: Labels): void {
  forgetState(metrics, labels);
  if (!labels) return metrics.releases.reset();
  for (const result of ['succeeded', 'rolled_back']) metrics.releases.remove({ ...labels, result });
}

function forgetState({ shown }: Metrics, labels: Labels | undefined): void {
  for (const key of labels ? [keyOf(labels)] : [...shown.keys()]) {
    for (const remove of shown.get(key) ?? []) remove();
    shown.delete(key);
  }
}

interface Labels {
  namespace: string;
  name: string;
}

const keyOf = ({ namespace, name }: Labels) => `${namespace}/${name}`;
