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
    help: 'Looks at a resource: done, again because something changed, or failed.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['done', 'again', 'failed']) reconciles.inc({ result }, 0);
  return {
    registry,
    leader: gauge('leader', '1 for the process that holds the Lease.'),
    leads: gauge(
      'namespace_leader',
      '1 where this process leads for the namespace `watched`, 0 where it stands by; `*`: every namespace.',
      ['watched'],
    ),
    reconciles,
    errors: new Counter({
      name: `${PREFIX}kubernetes_errors_total`,
      help: 'Calls of the Kubernetes API that failed, by status; 0: no answer.',
      labelNames: ['code'],
      registers,
    }),
    synced: gauge(
      'watch_synced_timestamp_seconds',
      'When a watch was last in step: a list, an event or an end as arranged; without namespace where it is of the whole cluster.',
      ['namespace', 'kind'],
    ),
    phase: gauge('release_phase', '1 for the phase the resource is in.', [...RELEASE, 'phase']),
    desired: gauge('release_desired_weight_ratio', 'Share of the traffic that a revision should have.', [
      ...RELEASE,
      'revision',
    ]),
    observed: gauge('release_observed_weight_ratio', 'Share of the requests that a revision’s API pods counted.', [
      ...RELEASE,
      'revision',
    ]),
    started: gauge('release_step_start_timestamp_seconds', 'When the step under way began.', RELEASE),
    deadline: gauge(
      'release_step_deadline_timestamp_seconds',
      'When the step under way should be over; absent while nothing is under way, or it is paused.',
      RELEASE,
    ),
    gate: gauge('release_gate', '1 for the gate’s answer, 0 for the others.', [...RELEASE, 'gate', 'result']),
    gateValue: gauge('release_gate_value', 'What a gate measured.', [...RELEASE, 'gate']),
    gateLimit: gauge('release_gate_limit', 'What a gate allows.', [...RELEASE, 'gate']),
    releases: new Counter({
      name: `${PREFIX}releases_total`,
      help: 'Releases that ended.',
      labelNames: [...RELEASE, 'result'],
      registers,
    }),
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
  for (const phase of PHASES) metrics.phase.set({ ...labels, phase }, phase === status.phase ? 1 : 0);
  for (const [revision, weight] of Object.entries(weightsOf(status)))
    metrics.desired.set({ ...labels, revision }, weight / 100);
  if (status.candidate && status.weight === 0)
    metrics.desired.set({ ...labels, revision: status.candidate.revision }, 0);
  if (status.candidate && status.active && status.observedWeight !== undefined) {
    metrics.observed.set({ ...labels, revision: status.candidate.revision }, status.observedWeight / 100);
    metrics.observed.set({ ...labels, revision: status.active.revision }, 1 - status.observedWeight / 100);
  }
  if (status.stepStartedAt) metrics.started.set(labels, Date.parse(status.stepStartedAt) / 1000);
  if (status.stepDeadline) metrics.deadline.set(labels, Date.parse(status.stepDeadline) / 1000);
  for (const { name: gate, result, value, limit } of status.phase === 'Shifting' ? status.gates : []) {
    for (const answer of ['pass', 'hold', 'fail'])
      metrics.gate.set({ ...labels, gate, result: answer }, answer === result ? 1 : 0);
    if (value !== undefined) metrics.gateValue.set({ ...labels, gate }, value);
    if (limit !== undefined) metrics.gateLimit.set({ ...labels, gate }, limit);
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
export function forgetRelease(metrics: Metrics, labels?: { namespace: string; name: string }): void {
  forgetState(metrics, labels);
  if (!labels) return metrics.releases.reset();
  for (const result of ['succeeded', 'rolled_back']) metrics.releases.remove({ ...labels, result });
}

function forgetState(metrics: Metrics, labels: { namespace: string; name: string } | undefined): void {
  const { phase, desired, observed, started, deadline, gate, gateValue, gateLimit } = metrics;
  for (const metric of [phase, desired, observed, started, deadline, gate, gateValue, gateLimit])
    removeSeries(metric, labels);
}

/** prom-client removes a series only by all of its labels. */
function removeSeries(metric: Gauge, labels: { namespace: string; name: string } | undefined): void {
  if (!labels) return metric.reset();
  const { hashMap } = metric as unknown as { hashMap: Record<string, { labels: Record<string, string> }> };
  for (const { labels: own } of Object.values(hashMap))
    if (own['namespace'] === labels.namespace && own['name'] === labels.name) metric.remove(own);
}
