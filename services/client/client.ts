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
   * Address of the service, for example https://faces.example.com; in a browser the page's own origin may be left out.
   */
  baseUrl?: string;
  /** Needed by everything that writes; read at each call when it is a function. */
  apiKey?: string | (() => string | undefined);
  /** Needed by searches where the service asks for tokens; read at each call when it is a function. */
  searchToken?: string | (() => string | undefined);
  /** For example `patientFetch({ attempts: 4, longestWaitMs: 10_000 })`. */
  fetch?: (request: Request) => Promise<Response>;
}

/**
 * A client whose paths, parameters and answers are typed by the service's own OpenAPI document. `multipart` makes the
 * body of the calls that take a form; `answerOf` gives an answer or throws its problem.
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
 * The body of a successful answer.
 * @throws Problem for any other.
 */
export function answerOf<Data>(result: { data?: Data; error?: unknown; response: Response }): Data {
  if (result.response.ok && result.data !== undefined) return result.data;
  throw problemOf(result.response, result.error);
}

/** A `bodySerializer`: the fields as multipart/form-data, absent ones left out, a list as its field once for each. */
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
    throw new Problem(0, { code: 'network', detail: 'The service was not reached.' }, null, { cause: error });
  }
}
