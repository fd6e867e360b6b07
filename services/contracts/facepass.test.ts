import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import {
  FACEPASS_RESOURCE,
  initialStatus,
  PHASES,
  REQUEST,
  type Candidate,
  type Condition,
  type Gate,
  type GateResult,
  type HistoryEntry,
  type Spec,
  type Status,
} from './facepass.ts';

interface Schema {
  properties: Record<string, Schema>;
  items: Schema;
  required?: string[];
  enum?: string[];
}

const definition = parse(
  readFileSync(new URL('../../charts/facepass-operator/files/crd.yaml', import.meta.url), 'utf8'),
).spec;
const { spec, status }: Record<string, Schema> = definition.versions[0].schema.openAPIV3Schema.properties;

/** The compiler demands that each list has every field of its type, and the tests below that the definition agrees. */
type Fields<Type> = Record<keyof Type, null>;
const SPEC: Fields<Spec> = {
  api: null,
  inference: null,
  indexer: null,
  model: null,
  migration: null,
  smokeTest: null,
  traffic: null,
  gates: null,
  rollback: null,
  deadlines: null,
  paused: null,
  abort: null,
};
const GATE: Fields<Gate> = {
  name: null,
  query: null,
  max: null,
  maxRatioToActive: null,
  minSamples: null,
  samples: null,
  noData: null,
  noDataDeadline: null,
};
const STATUS: Fields<Status> = {
  observedGeneration: null,
  phase: null,
  reason: null,
  message: null,
  trafficMode: null,
  release: null,
  active: null,
  candidate: null,
  previous: null,
  rejected: null,
  step: null,
  steps: null,
  stepText: null,
  stepStartedAt: null,
  stepDeadline: null,
  hold: null,
  judgedAt: null,
  routePendingSince: null,
  shareOffSince: null,
  weight: null,
  observedWeight: null,
  observedRequests: null,
  schemaVersion: null,
  pausedAt: null,
  gates: null,
  history: null,
  conditions: null,
};
const CANDIDATE: Fields<Candidate> = { revision: null, number: null, model: null, startedAt: null, verdict: null };
const GATE_RESULT: Fields<GateResult> = {
  name: null,
  result: null,
  value: null,
  limit: null,
  samples: null,
  message: null,
  query: null,
  at: null,
};
const HISTORY: Fields<HistoryEntry> = {
  revision: null,
  number: null,
  result: null,
  reason: null,
  message: null,
  startedAt: null,
  finishedAt: null,
};
const CONDITION: Fields<Condition> = {
  type: null,
  status: null,
  observedGeneration: null,
  lastTransitionTime: null,
  reason: null,
  message: null,
};

test('the resource has the name and the version of the definition', () => {
  const { group, names, versions } = definition;
  const { kind, plural } = names;
  assert.deepEqual({ group, version: versions[0].name, kind, plural }, FACEPASS_RESOURCE);
});

test('the types of spec and status have the fields of the definition', () => {
  const pairs: [string, object, Schema | undefined][] = [
    ['spec', SPEC, spec],
    ['spec.gates', GATE, spec?.properties['gates']?.items],
    ['status', STATUS, status],
    ['status.candidate', CANDIDATE, status?.properties['candidate']],
    ['status.gates', GATE_RESULT, status?.properties['gates']?.items],
    ['status.history', HISTORY, status?.properties['history']?.items],
    ['status.conditions', CONDITION, status?.properties['conditions']?.items],
  ];
  for (const [place, fields, schema] of pairs)
    assert.deepEqual(Object.keys(fields).sort(), Object.keys(schema?.properties ?? {}).sort(), place);
});

test('the phases are those that the definition takes', () => {
  assert.deepEqual(status?.properties['phase']?.enum, [...PHASES]);
});

test('the first status has what the definition requires', () => {
  const first = Object.keys(initialStatus());
  assert.deepEqual(
    (status?.required ?? []).filter((field) => !first.includes(field)),
    [],
  );
});

test('the annotations of requests are of the group of the resource', () => {
  for (const [name, annotation] of Object.entries(REQUEST))
    assert.equal(annotation, `${FACEPASS_RESOURCE.group}/${name}`);
});
