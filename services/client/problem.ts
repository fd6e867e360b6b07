/**
 * An answer of Facepass that is not a success: an RFC 9457 problem, or what stands in for one when a proxy answered.
 */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;
  /** Stable, to be compared; `network` when no answer came, `unexpected_answer` when it was no problem document. */
  readonly code: string;
  /** Id of the request, as in the service's log. */
  readonly requestId: string | null;
  /** What Retry-After asks for, in milliseconds. */
  readonly retryAfterMs: number | null;
  /** Every member of the document, also those beside the standard ones. */
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

  /** The same call may succeed later: too many requests, the service is full, or it was not reached. */
  get isTransient(): boolean {
    return this.status === 429 || this.status === 503 || this.code === 'network';
  }
}

/** The problem in an answer whose body was already read as JSON, or as text when it was none. */
export function problemOf(response: Response, body: unknown): Problem {
  const members = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const detail = text(members.detail) ?? `The service answered ${response.status} ${response.statusText}`.trim();
  return new Problem(response.status, { ...members, detail }, retryAfterOf(response.headers, Date.now()));
}

/** Retry-After of RFC 9110, seconds or a date, as milliseconds from `nowMs`; `null` when absent or senseless. */
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
