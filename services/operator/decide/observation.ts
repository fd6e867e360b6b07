import type { GateResult, Spec, Status } from '@facepass/contracts/facepass';
import type { CountedRequests } from './share.ts';

/** All that a decision may depend on, gathered before it. */
export interface Observation {
  /** Milliseconds since 1970. */
  now: number;
  generation: number;
  annotations: Record<string, string>;
  spec: Spec;
  /** As stored. */
  status: Status;
  /** The revision that `spec` asks for. */
  wanted: string;
  /** Why that revision may not be released at all, or null. */
  refused: { reason: string; message: string } | null;
  /**
   * The revision that gets the traffic by the objects in the cluster: what a resource whose status was lost goes on
   * from.
   */
  served: string | null;
  /** By revision; none where nothing of it exists. */
  pairs: Record<string, Pair | undefined>;
  /** Jobs of the candidate. */
  migration: JobState;
  smokeTest: JobState;
  route: RouteState;
  counted: CountedRequests | null;
  /** Answers of the gates just now; empty where none was asked. */
  gates: GateResult[];
  schemaVersion?: number;
  /** An object that has the name of one of the operator's and belongs to somebody else, in words; or null. */
  foreign: string | null;
}

/** The API's and the inference's pods of one revision. */
export interface Pair {
  /** Each half has all its pods, new and ready. */
  full: boolean;
  /** Each half has a ready pod. */
  serving: boolean;
  /** Pods of any state. */
  pods: number;
  /** Whether its API can work on the database's schema as it is; null: unknown. */
  schemaFits: boolean | null;
  /** None of its API pods counted a request for some seconds. */
  quiet: boolean;
  /** Why the API server refuses one of its objects, or null. */
  refusal: string | null;
  /** What is missing, for people. */
  message: string;
}

export interface JobState {
  state: 'absent' | 'running' | 'succeeded' | 'failed';
  /** A container of it ran, whatever came of it. */
  hasStarted: boolean;
  message: string;
}

/** What directs the traffic: the HTTPRoute, or the Service's selector. */
export interface RouteState {
  /** Weights that are written, in per cent by revision; null: nothing is written. */
  weights: Record<string, number> | null;
  /** Every parent accepted the route at its current generation and resolved its backends. */
  accepted: boolean;
  /** The cluster knows no Gateway API. */
  unknownKind: boolean;
  message: string;
}

/** The weights that a status asks for, in per cent by revision, without zeros. */
export function weightsOf({ active, candidate, weight }: Status): Record<string, number> {
  if (!active) return {};
  const weights: Record<string, number> = {};
  if (weight < 100) weights[active.revision] = 100 - weight;
  if (candidate && weight > 0) weights[candidate.revision] = weight;
  return weights;
}

/** Whether the traffic is directed as `status` asks, and the gateway says so. */
export function isSettled(status: Status, { weights, accepted }: RouteState): boolean {
  const desired = weightsOf(status);
  const same =
    weights !== null &&
    Object.keys(weights).length === Object.keys(desired).length &&
    Object.entries(desired).every(([revision, weight]) => weights[revision] === weight);
  return same && accepted;
}

/** The steps that apply: a selector knows 0 and 100 only. */
export function stepsOf({ traffic }: Spec): Spec['traffic']['steps'] {
  return traffic.mode === 'Gateway' ? traffic.steps : traffic.steps.slice(-1);
}
