import type { Config } from '../config.ts';

/**
 * Asks Prometheus for one number at an instant (milliseconds since 1970; absent: now). Gives the number, or why there
 * is none. Never throws.
 */
export type InstantQuery = (query: string, atMs?: number) => Promise<number | string>;

/** Instant queries of Prometheus's HTTP API. */
export function createInstantQuery({ url, timeoutMs, bearerToken }: Config['prometheus']): InstantQuery {
  if (!url) return async () => 'PROMETHEUS_URL is not set';
  const address = new URL('api/v1/query', url.endsWith('/') ? url : `${url}/`);
  return async (query, atMs) => {
    const form = new URLSearchParams({ query, ...(atMs === undefined ? {} : { time: (atMs / 1000).toFixed(3) }) });
    try {
      const headers: Record<string, string> = bearerToken ? { Authorization: `Bearer ${bearerToken}` } : {};
      const response = await fetch(address, {
        method: 'POST',
        body: form,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
      });
      return numberOf((await response.json().catch(() => ({}))) as Answer, response.status);
    } catch (error) {
      return `Prometheus does not answer: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}`;
    }
  };
}

interface Answer {
  status?: string;
  error?: string;
  data?: { resultType: string; result: unknown };
}

function numberOf({ status, error, data }: Answer, httpStatus: number): number | string {
  if (status !== 'success' || !data) return `Prometheus refuses the query: ${error ?? `status ${httpStatus}`}`;
  const samples =
    data.resultType === 'scalar'
      ? [data.result]
      : data.resultType === 'vector'
        ? (data.result as { value: unknown }[]).map((one) => one.value)
        : [];
  if (samples.length === 0) return 'no data';
  if (samples.length > 1) return `the query gives ${samples.length} numbers, not one`;
  const value = Number((samples[0] as [number, string])[1]);
  return Number.isFinite(value) ? value : 'no data (not a number)';
}
