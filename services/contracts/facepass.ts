/** Where the API server keeps the resources. */
export const FACEPASS_RESOURCE = { group: 'facepass.dev', version: 'v1alpha1', kind: 'Facepass', plural: 'facepasses' };

/** The resource, as the API server gives it: valid by the definition's schema, defaults filled in. */
export interface Facepass {
  apiVersion: string;
  kind: string;
  metadata: FacepassMetadata;
  spec: Spec;
  status?: Status;
  [field: string]: unknown;
}

export interface FacepassMetadata {
  name: string;
  namespace?: string;
  uid?: string;
  generation?: number;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface Spec {
  api: Workload;
  inference?: Workload;
  /** Works off jobs. Runs in the active revision only. */
  indexer?: Workload;
  model?: { pack?: string };
  migration?: {
    template: PodTemplate;
    backoffLimit: number;
    activeDeadlineSeconds: number;
    ttlSecondsAfterFinished: number;
  };
  smokeTest?: { template: PodTemplate; backoffLimit: number; activeDeadlineSeconds: number };
  traffic: Traffic;
  gates: Gate[];
  rollback: { window: string };
  deadlines: { ready: string; route: string };
  paused: boolean;
  abort: boolean;
}

export interface Workload {
  replicas?: number;
  autoscaling?: { minReplicas: number; maxReplicas: number; metrics?: object[]; behavior?: object };
  template: PodTemplate;
}

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { containers: Container[]; initContainers?: Container[]; [field: string]: unknown };
}

export interface Container {
  name: string;
  args?: string[];
  command?: string[];
  env?: { name: string; value?: string; valueFrom?: object }[];
  [field: string]: unknown;
}

export interface Traffic {
  mode: 'Gateway' | 'Selector';
  service: { type: string; port: number; annotations?: Record<string, string>; ipFamilyPolicy?: string };
  /** Filters and timeouts are those of an HTTPRoute's rule. */
  route?: {
    parentRefs: ParentRef[];
    hostnames?: string[];
    annotations?: Record<string, string>;
    matches?: object[];
    filters?: object[];
    timeouts?: { request?: string; backendRequest?: string };
  };
  /** Weights ascend to 100, in per cent; holds are durations as `1h30m`. */
  steps: Step[];
  /** Tolerance in points of per cent. */
  share: { tolerance: number; minRequests: number; deadline: string };
}

export interface Step {
  weight: number;
  hold: string;
}

export interface ParentRef {
  name: string;
  namespace?: string;
  sectionName?: string;
  [field: string]: unknown;
}

export interface Gate {
  name: string;
  query: string;
  max?: number;
  maxRatioToActive?: number;
  minSamples: number;
  samples?: string;
  noData: 'Hold' | 'RollBack';
  noDataDeadline: string;
}

export const PHASES = [
  'Stable',
  'Migrating',
  'Starting',
  'Testing',
  'Shifting',
  'Retaining',
  'Retiring',
  'RollingBack',
] as const;
export type Phase = (typeof PHASES)[number];

/** Everything that the operator must remember. Times are RFC 3339. */
export interface Status {
  observedGeneration?: number;
  phase: Phase;
  reason: string;
  message: string;
  trafficMode?: string;
  /** Number of the release begun last. */
  release: number;
  /** What serves when nothing is under way, and what a failure goes back to. */
  active?: Served;
  candidate?: Candidate;
  /** The revision before the active one, at full size until its window ends. */
  previous?: Served & { until: string };
  /** The template in spec was tried and given up. */
  rejected?: { revision: string; number: number; reason: string; message: string; at: string };
  step: number;
  steps: number;
  stepText?: string;
  stepStartedAt?: string;
  stepDeadline?: string;
  /** Of the present weight, as it was when the weight was set. */
  hold?: string;
  /** When the gates were looked at last, while traffic is shifted. */
  judgedAt?: string;
  routePendingSince?: string;
  shareOffSince?: string;
  /** Share of the traffic that the candidate should have, in per cent. */
  weight: number;
  observedWeight?: number;
  observedRequests?: number;
  schemaVersion?: number;
  pausedAt?: string;
  gates: GateResult[];
  /** Newest first. */
  history: HistoryEntry[];
  conditions: Condition[];
}

export interface Served {
  revision: string;
  number: number;
  model?: string;
  since: string;
}

export interface Candidate {
  revision: string;
  number: number;
  model?: string;
  startedAt: string;
  /** Set once its fate is decided, while the traffic goes back. */
  verdict?: { reason: string; message: string; at: string; result: 'rolled_back' | 'superseded' };
}

export interface GateResult {
  name: string;
  result: 'pass' | 'hold' | 'fail';
  value?: number;
  limit?: number;
  samples?: number;
  message: string;
  query: string;
  at: string;
}

export interface HistoryEntry {
  revision: string;
  number: number;
  result: 'succeeded' | 'rolled_back' | 'superseded';
  reason: string;
  message: string;
  startedAt: string;
  finishedAt: string;
}

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  observedGeneration?: number;
  lastTransitionTime: string;
  reason: string;
  message: string;
}

/** The state of a resource never seen before. */
export function initialStatus(): Status {
  return {
    phase: 'Stable',
    reason: 'Initial',
    message: 'no release yet',
    release: 0,
    step: 0,
    steps: 0,
    weight: 0,
    gates: [],
    history: [],
    conditions: [],
  };
}

/** One-shot requests: annotations whose value is the number of the release that is meant. */
export const REQUEST = {
  abort: 'facepass.dev/abort',
  promote: 'facepass.dev/promote',
  rollback: 'facepass.dev/rollback',
  retry: 'facepass.dev/retry',
} as const;
