import type { Gate, GateResult } from '@facepass/contracts/facepass';

/** What Prometheus said to a gate's queries; a string says why there is no number. */
export interface Measurement {
  value: number | string;
  samples: number | string;
  /** The same query for the active revision, where the gate compares. */
  active?: number | string;
}

/** The gate's answer: only a number from enough samples passes or fails; whatever else is a hold. */
export function judgeGate(gate: Gate, { value, samples, active }: Measurement, query: string, at: string): GateResult {
  const answer = (result: GateResult['result'], message: string, limit?: number): GateResult => ({
    name: gate.name,
    result,
    ...(typeof value === 'number' && { value }),
    ...(limit !== undefined && { limit }),
    ...(typeof samples === 'number' && { samples: Math.round(samples) }),
    message,
    query,
    at,
  });
  if (gate.minSamples > 0 && typeof samples === 'string') return answer('hold', `samples: ${samples}`);
  if (gate.minSamples > 0 && Number(samples) < gate.minSamples)
    return answer('hold', `${Math.floor(Number(samples))} of ${gate.minSamples} samples`);
  if (typeof value === 'string') return answer('hold', value);
  const limit = limitOf(gate, active);
  if (typeof limit === 'string') return answer('hold', `active revision: ${limit}`);
  const comparison = `${readable(value)} ${value <= limit ? '≤' : '>'} ${readable(limit)}`;
  return answer(value <= limit ? 'pass' : 'fail', comparison, limit);
}

/** Fills a gate's query: unknown names stay as they are, `$$` is not special, since PromQL knows no dollar sign. */
export function fillQuery(query: string, variables: Record<string, string>): string {
  return query.replaceAll(/\$([a-z]+)/g, (whole, name: string) => variables[name] ?? whole);
}

/** Requests of the revision in the window: what `minSamples` counts where the gate names no query of its own. */
export const SAMPLES_QUERY =
  'sum(increase(http_server_request_duration_seconds_count{job="facepass-api",namespace="$namespace",revision="$revision",route=~"/api/.*"}[$window]))';

function limitOf({ max, maxRatioToActive }: Gate, active: number | string | undefined): number | string {
  if (max !== undefined) return max;
  if (active === undefined) return 'not measured';
  return typeof active === 'string' ? active : (maxRatioToActive ?? 0) * active;
}

function readable(value: number): string {
  return String(Number(value.toPrecision(4)));
}
