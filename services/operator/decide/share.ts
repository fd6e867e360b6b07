import type { Traffic } from '@facepass/contracts/facepass';

/** Requests that the pods of the active revision and of the candidate counted since the present weight was set. */
export interface CountedRequests {
  candidate: number;
  total: number;
}

/**
 * `near`: the share is the desired one. `off`: it is not, and chance does not explain it. `few`: too few requests to
 * say; it is a hold and never a verdict, so that neither a quiet night nor a gateway that drops everything advances a
 * release.
 */
export type ShareJudgement = { result: 'near' | 'off' | 'few'; observed?: number; message: string };

/**
 * Compares the share counted with the weight desired, both in per cent. Off: beyond the tolerance, and a gateway at the tolerance's edge
 * would count it less than once in a million times, by the Chernoff bound of a binomial count: exp(-total * D(counted || edge)), which holds for any total.
 */
export function judgeShare(
  desired: number,
  counted: CountedRequests | null,
  { tolerance, minRequests }: Traffic['share'],
): ShareJudgement {
  if (!counted)
    return { result: minRequests === 0 ? 'near' : 'few', message: 'cannot read the counters of the API pods' };
  const { candidate, total } = counted;
  if (total === 0)
    return { result: minRequests === 0 ? 'near' : 'few', message: `no requests yet, ${minRequests} required` };
  const observed = Math.round((1000 * candidate) / total) / 10;
  const share = candidate / total;
  const edge = Math.min(Math.max(share, (desired - tolerance) / 100), (desired + tolerance) / 100);
  const message = `${observed} % of ${total} requests, desired ${desired} %`;
  if (total * divergence(share, edge) > Math.log(1e6)) return { result: 'off', observed, message };
  if (total < minRequests) return { result: 'few', observed, message: `${message}, ${minRequests} required` };
  return share === edge
    ? { result: 'near', observed, message }
    : { result: 'few', observed, message: `${message}, which may be due to chance` };
}

/** The Kullback-Leibler divergence of two coins, in nats: infinite where the second never shows what the first does. */
function divergence(p: number, q: number): number {
  const part = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(a / b));
  return part(p, q) + part(1 - p, 1 - q);
}
