import createClient from 'openapi-fetch';
import type { FacepassClient } from './client-type.ts';
import type { paths } from './gen/openapi.ts';
import { Problem, problemOf } from './problem.ts';

export type { FacepassClient } from './client-type.ts';
export { erasePhoto, eraseSession } from './erase.ts';
export { patientFetch, type Patience } from './patient-fetch.ts';
export { Problem } from './problem.ts';
export type { components, paths } from './gen/openapi.ts';

export interface ClientOptions {
  /**
   * Address of the service, for example https://faces.example.com. In a browser the default is the page's own origin.
   */
  baseUrl?: string;
  /** Required by all calls that write. A function is called before each call. */
  apiKey?: string | (() => string | undefined);
  /** Required by searches if the service has SEARCH_ACCESS=token. A function is called before each call. */
  searchToken?: string | (() => string | undefined);
  /** For example `patientFetch({ attempts: 4, longestWaitMs: 10_000 })`. */
  fetch?: (request: Request) => Promise<Response>;
}

/**
 * Creates a client whose paths, parameters and answers are typed by the service's OpenAPI document. `multipart` makes
 * the body of calls with a form; `answerOf` returns the answer or throws its problem.
 */
export function createFacepassClient({
  baseUrl = '',
  apiKey,
  searchToken,
  fetch = globalThis.fetch,
}: ClientOptions = {}): FacepassClient {
  const client = createClient<paths>({ baseUrl, fetch: (request) => reach(request, fetch) });
  client.use({
    onRequest({ request }) {
      // So that a service with LEGACY_CLIENTS does not take it for another client.
      if (!request.headers.get('Accept')?.includes('json'))
        request.headers.set('Accept', 'application/json, application/problem+json');
      const key = current(apiKey);
      const token = current(searchToken);
      if (key) request.headers.set('X-API-Key', key);
      if (token) request.headers.set('Authorization', `Bearer ${token}`);
      return request;
    },
  });
  return client;
}

/**
 * Returns the body of a successful answer.
 * @throws Problem for any other answer
 */
export function answerOf<Data>(result: { data?: Data; error?: unknown; response: Response }): Data {
  if (result.response.ok && result.data !== undefined) return result.data;
  throw problemOf(result.response, result.error);
}

/** A `bodySerializer` for multipart/form-data: skips absent fields and repeats the field of a list. */
export function multipart(fields: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields) as [string, Field | Field[]][]) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one instanceof Blob) form.append(name, one);
      else if (one !== undefined) form.append(name, String(one));
    }
  }
  return form;
}

type Field = Blob | string | number | boolean | undefined;

function current(value: string | (() => string | undefined) | undefined): string | undefined {
  return typeof value === 'function' ? value() : value;
}

async function reach(request: Request, fetch: (request: Request) => Promise<Response>): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    const detail = `Cannot reach Facepass at ${new URL(request.url).origin}.`;
    throw new Problem(0, { code: 'network', detail }, null, { cause: error });
  }
}
