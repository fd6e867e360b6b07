import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, createFacepassClient, multipart, Problem } from './client.ts';

test('a call carries the key, the token and its form', async () => {
  const { fetch, requests } = recording(Response.json({ matches: [], query_time_ms: 1, total_matches: 0, query: {} }));
  const client = createFacepassClient({
    baseUrl: 'http://faces.test',
    apiKey: () => 'a-key',
    searchToken: 'a-token',
    fetch,
  });
  const body = { session_id: 's', image: new Blob(['jpeg'], { type: 'image/jpeg' }), limit: undefined };
  answerOf(await client.POST('/api/v1/search', { body, bodySerializer: multipart }));
  const [request] = requests;
  assert.equal(request?.url, 'http://faces.test/api/v1/search');
  assert.equal(request.headers.get('X-API-Key'), 'a-key');
  assert.equal(request.headers.get('Authorization'), 'Bearer a-token');
  const form = await request.formData();
  assert.deepEqual([...form.keys()], ['session_id', 'image']);
  assert.equal(await (form.get('image') as File).text(), 'jpeg');
});

test('encodes ids in a path', async () => {
  const { fetch, requests } = recording(Response.json({ deleted: true, embeddings_removed: 2 }));
  const path = { session_id: 'a/b', photo_id: '50%?.jpg' };
  const answer = answerOf(
    await createFacepassClient({ baseUrl: 'http://faces.test', fetch }).DELETE(
      '/api/v1/index/{session_id}/photos/{photo_id}',
      { params: { path } },
    ),
  );
  assert.equal(answer.embeddings_removed, 2);
  assert.equal(requests[0]?.url, 'http://faces.test/api/v1/index/a%2Fb/photos/50%25%3F.jpg');
});

test('a problem document becomes an error with its code, request id and Retry-After', async () => {
  const members = {
    status: 429,
    code: 'rate_limited',
    title: 'Too many requests',
    detail: 'Wait a little.',
    instance: 'request-1',
    rejected: [1],
  };
  const { fetch } = recording(Response.json(members, { status: 429, headers: { 'Retry-After': '12' } }));
  const error = await failure(fetch);
  assert.deepEqual(
    {
      message: error.message,
      status: error.status,
      code: error.code,
      requestId: error.requestId,
      retryAfterMs: error.retryAfterMs,
      isTransient: error.isTransient,
    },
    {
      message: 'Wait a little.',
      status: 429,
      code: 'rate_limited',
      requestId: 'request-1',
      retryAfterMs: 12_000,
      isTransient: true,
    },
  );
  assert.deepEqual(error.members.rejected, [1]);
});

test('an answer from a proxy is an error too', async () => {
  const error = await failure(
    recording(new Response('<h1>Bad gateway</h1>', { status: 502, statusText: 'Bad Gateway' })).fetch,
  );
  assert.equal(error.code, 'unexpected_answer');
  assert.equal(error.message, 'The service answered 502 Bad Gateway');
  assert.equal(error.isTransient, false);
});

test('a missing answer is transient; an abort is rethrown', async () => {
  const error = await failure(() => Promise.reject(new TypeError('fetch failed')));
  assert.equal(error.code, 'network');
  assert.equal(error.isTransient, true);
  const left = AbortSignal.abort(new Error('left'));
  const client = createFacepassClient({ baseUrl: 'http://faces.test' });
  await assert.rejects(client.GET('/health', { signal: left }), /left/);
});

async function failure(fetch: (request: Request) => Promise<Response>): Promise<Problem> {
  const call = async () => answerOf(await createFacepassClient({ baseUrl: 'http://faces.test', fetch }).GET('/health'));
  return call().then(
    () => assert.fail('succeeded'),
    (error: unknown) => (error instanceof Problem ? error : assert.fail(String(error))),
  );
}

function recording(answer: Response) {
  const requests: Request[] = [];
  const fetch = (request: Request) => {
    requests.push(request);
    return Promise.resolve(answer);
  };
  return { fetch, requests };
}
