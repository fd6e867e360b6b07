import { initialStatus, type GateResult, type Spec, type Status } from '@facepass/contracts/facepass';
import { weightsOf, type Observation, type Pair } from '../decide/observation.ts';

export const MINUTE = 60_000;
export const START = Date.parse('2026-11-23T12:00:00Z');

/** A spec as the API server gives it, defaults filled in. */
export function specOf(changes: Partial<Spec> = {}): Spec {
  const template = { spec: { containers: [{ name: 'api' }] } };
  return {
    api: { replicas: 2, template },
    inference: { replicas: 2, template },
    migration: { template, backoffLimit: 4, activeDeadlineSeconds: 7200, ttlSecondsAfterFinished: 259_200 },
    smokeTest: { template, backoffLimit: 1, activeDeadlineSeconds: 300 },
    traffic: {
      mode: 'Gateway',
      service: { type: 'ClusterIP', port: 80 },
      route: { parentRefs: [{ name: 'gateway' }] },
      steps: [
        { weight: 10, hold: '5m' },
        { weight: 50, hold: '10m' },
        { weight: 100, hold: '30m' },
      ],
      share: { tolerance: 5, minRequests: 300, deadline: '5m' },
    },
    gates: [
      {
        name: 'errors',
        query: 'errors{revision="$revision"}',
        max: 0.01,
        minSamples: 100,
        noData: 'Hold',
        noDataDeadline: '30m',
      },
    ],
    rollback: { window: '24h' },
    deadlines: { ready: '15m', route: '2m' },
    paused: false,
    abort: false,
    ...changes,
  };
}

export const READY: Pair = {
  full: true,
  serving: true,
  pods: 4,
  schemaFits: true,
  quiet: true,
  refusal: null,
  message: 'api 2/2 ready',
};
export const UNREADY: Pair = {
  full: false,
  serving: false,
  pods: 4,
  schemaFits: null,
  quiet: true,
  refusal: null,
  message: 'api 0/2 ready',
};

export function gate(result: GateResult['result']): GateResult {
  return { name: 'errors', result, message: result, query: 'errors', at: '2026-11-23T12:00:00Z' };
}

/** What there is to see while everything goes well and the traffic goes where `status` sends it. */
export function seen(status: Status, changes: Partial<Observation> = {}): Observation {
  const weight = status.weight;
  return {
    now: START,
    generation: 1,
    annotations: {},
    spec: specOf(),
    status: watchedUntil(status, changes.now ?? START),
    wanted: 'green',
    refused: null,
    served: null,
    pairs: { blue: READY, green: READY, red: READY },
    migration: { state: 'succeeded', hasStarted: true, message: '' },
    smokeTest: { state: 'succeeded', hasStarted: true, message: '' },
    foreign: null,
    route: { weights: weightsOf(status), accepted: true, unknownKind: false, message: 'accepted' },
    counted: { candidate: weight * 10, total: 1000 },
    gates: [gate('pass')],
    ...changes,
  };
}

/** Looked at all the time: a test that means otherwise gives the status by `changes`. */
function watchedUntil(status: Status, now: number): Status {
  return { ...status, ...(status.judgedAt && { judgedAt: new Date(now).toISOString() }) };
}

/** A status with blue serving everything. */
export function stable(changes: Partial<Status> = {}): Status {
  return {
    ...initialStatus(),
    reason: 'Stable',
    release: 1,
    active: { revision: 'blue', number: 1, since: '2026-11-23T00:00:00Z' },
    ...changes,
  };
}

/** A status with green as the candidate. */
export function releasing(phase: Status['phase'], changes: Partial<Status> = {}): Status {
  return stable({
    phase,
    release: 2,
    candidate: { revision: 'green', number: 2, startedAt: '2026-11-23T11:00:00Z' },
    stepStartedAt: new Date(START).toISOString(),
    steps: 3,
    ...(phase === 'Shifting' && { step: 1, weight: 10 }),
    ...changes,
  });
}

/** A status with green active and blue kept. */
export function retaining(changes: Partial<Status> = {}): Status {
  return stable({
    phase: 'Retaining',
    release: 2,
    steps: 3,
    active: { revision: 'green', number: 2, since: '2026-11-23T11:00:00Z' },
    previous: {
      revision: 'blue',
      number: 1,
      since: '2026-11-23T00:00:00Z',
      until: new Date(START + 60 * MINUTE).toISOString(),
    },
    ...changes,
  });
}
