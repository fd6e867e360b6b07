/**
 * An unsuccessful answer: an RFC 9457 problem, or its substitute if a proxy or nobody answered.
 */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;
  /** Stable, for comparison; `network` without an answer, `unexpected_answer` if it is not a problem document. */
  readonly code: string;
  /** Id of the request in the service's log. */
  readonly requestId: string | null;
  /** Retry-After in milliseconds. */
  readonly retryAfterMs: number | null;
  /** All members of the document, including non-standard ones. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    members: Record<string, unknown>,
    retryAfterMs: number | null = null,
    options?: ErrorOptions,
  ) {
    super(text(members.detail) ?? text(members.title) ?? `HTTP ${status}`, options);
    this.status = status;
    this.code = text(members.code) ?? 'unexpected_answer';
    this.requestId = text(members.instance) ?? null;
    this.retryAfterMs = retryAfterMs;
    this.members = members;
  }

  /** The same call may succeed later: too many requests, a full service, or no connection. */
  get isTransient(): boolean {
    return this.status === 429 || this.status === 503 || this.code === 'network';
  }
}

/** The problem of an answer whose body was already read, as JSON or as text. */
export function problemOf(response: Response, body: unknown): Problem {
  const members = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const detail = text(members.detail) ?? `The service answered ${response.status} ${response.statusText}`.trim();
  return new Problem(response.status, { ...members, detail }, retryAfterOf(response.headers, Date.now()));
}

/** Retry-After of RFC 9110, in seconds or as a date, as milliseconds from `nowMs`; `null` if absent or invalid. */
export function retryAfterOf(headers: Headers, nowMs: number): number | null {
  const value = headers.get('Retry-After')?.trim();
  if (!value) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
