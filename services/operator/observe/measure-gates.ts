import type { Gate, GateResult, Spec, Status } from '@facepass/contracts/facepass';
import { fillQuery, judgeGate, SAMPLES_QUERY } from '../decide/gates.ts';
import type { Owner } from '../objects/object.ts';
import type { InstantQuery } from './prometheus.ts';

interface Question {
  owner: Owner;
  spec: Spec;
  status: Status;
  active: string;
  candidate: string;
  now: number;
}

/** Asks Prometheus for every gate at once. */
export function measureGates(query: InstantQuery, question: Question): Promise<GateResult[]> {
  return Promise.all(question.spec.gates.map((gate) => measureGate(query, gate, question)));
}

async function measureGate(
  query: InstantQuery,
  gate: Gate,
  { owner, status, active, candidate, now }: Question,
): Promise<GateResult> {
  const started = Date.parse(status.stepStartedAt ?? '');
  const window = `${Math.max(LEAST_WINDOW_SECONDS, Math.round((now - started) / 1000))}s`;
  const of = (revision: string, text: string) =>
    fillQuery(text, { revision, active, candidate, namespace: owner.namespace, name: owner.name, window });
  const asked = of(candidate, gate.query);
  // At 100 % the active revision gets nothing to compare with: its last value counts.
  const [value, samples, activeValue] = await Promise.all([
    query(asked),
    gate.minSamples > 0 ? query(of(candidate, gate.samples ?? SAMPLES_QUERY)) : Promise.resolve('not asked'),
    gate.maxRatioToActive === undefined
      ? Promise.resolve(undefined)
      : query(of(active, gate.query), status.weight === 100 ? started : undefined),
  ]);
  return judgeGate(
    gate,
    { value, samples, ...(activeValue !== undefined && { active: activeValue }) },
    asked,
    new Date(now).toISOString(),
  );
}

/** rate() needs two scrapes within its window. */
const LEAST_WINDOW_SECONDS = 30;
