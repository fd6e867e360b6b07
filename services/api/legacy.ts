import {
  cosineOfSimilarity,
  similarityOfCosine,
  type Calibration,
  type ModelPack,
} from '@facepass/contracts/model-pack';
import { rounded } from '@facepass/indexing/faces';
import type { Request, RequestHandler, Response } from 'express';
import type { Context } from './context.ts';
import { translateFields } from './upload.ts';

/**
 * Serves the clients of aukanara2010-dot/facepass: their requests become those of this API before it reads them, and
 * its answers theirs (docs/MIGRATION_GUIDE.md has both). Each answer says when this ends (RFC 9745, RFC 8594). A client
 * that accepts application/problem+json, as this repository's own do, is served as always.
 */
export function upstreamClients({ config, pack }: Context): RequestHandler {
  return (request, response, next) => {
    const call = CALLS.find(({ method, path }) => method === request.method && path.test(request.path));
    if (!call || speaksThisApi(request)) return next();
    response.setHeader('Deprecation', `@${DEPRECATED_AT / 1000}`);
    response.setHeader('Sunset', new Date(config.legacy.sunset).toUTCString());
    response.setHeader('Link', '</docs>; rel="deprecation"');
    const exchange = { fields: sessionOfPath(request, call), calibration: calibrationOf(pack) };
    translateFields(request, { names: NAMES, translate: (fields) => translateRequest(call, fields, exchange) });
    translateAnswers(response, (body) => call.answer(body, exchange, response));
    if (call.moved) request.url = call.moved(request.url);
    next();
  };
}

const DEPRECATED_AT = Date.UTC(2026, 10, 1);

/** What one request and its answer share. */
interface Exchange {
  fields: Record<string, unknown>;
  calibration: Calibration;
}

interface Call {
  method: string;
  path: RegExp;
  /** The URL of this API's call, where it has another path. */
  moved?: (url: string) => string;
  /** What stands for a field that was not sent. */
  defaults?: Record<string, string>;
  /** Their body of an answer, its status set. */
  answer(body: Body, exchange: Exchange, response: Response): Body;
}

type Body = Record<string, unknown>;

const indexed: Call['answer'] = (body, { fields }, response) => {
  if (body['code'] === 'no_face') {
    response.status(201);
    const { photo_id } = fields;
    return { indexed: false, photo_id, confidence: null, faces_detected: 0, error: body['detail'] };
  }
  return response.statusCode < 400 ? created({ ...body, error: null }, response) : body;
};

const batchIndexed: Call['answer'] = (body, _exchange, response) => {
  if (response.statusCode >= 400) return body;
  const errors = body['errors'] as { photo_id: string; error: string }[];
  const total = Number(body['indexed']) + Number(body['failed']);
  return created({ ...body, total, errors: errors.map((one) => `${one.photo_id}: ${one.error}`) }, response);
};

const erased: Call['answer'] = (body, { fields: { session_id } }, response) => {
  if (body['code'] === 'session_not_indexed') {
    response.status(200);
    return { deleted: true, session_id, embeddings_removed: 0 };
  }
  return response.statusCode < 400 ? { ...body, session_id } : body;
};

const searched: Call['answer'] = (body, { fields, calibration }, response) => {
  if (body['code'] === 'no_face') {
    response.status(200);
    return { matches: [], query_time_ms: 0, message: 'No face detected in uploaded image' };
  }
  if (response.statusCode >= 400) return body;
  const matches = (body['matches'] as { similarity: number }[]).map((match) => ({
    ...match,
    similarity: cosineOf(match.similarity, calibration),
  }));
  const { session_id, search_threshold } = fields;
  return { ...body, matches, session_id, indexed_photos: body['faces_compared'], search_threshold };
};

/** Their older call answered so for a session without photos; the newer one has 404. */
const searchedInSession: Call['answer'] = (body, exchange, response) => {
  if (body['code'] !== 'session_not_indexed') return searched(body, exchange, response);
  response.status(200);
  return { matches: [], query_time_ms: 0, message: body['detail'], indexed_photos: 0 };
};

const healthy: Call['answer'] = (body) => {
  const component = (good: boolean, detail: unknown) => ({ status: good ? 'healthy' : 'unhealthy', detail });
  const { database, face_recognition_model: model, status } = body;
  const isConnected = database === 'connected';
  const components = {
    database: component(isConnected, database),
    face_recognition_model: component(status === 'healthy' || !isConnected, model),
  };
  return { ...body, components };
};

const CALLS: Call[] = [
  { method: 'POST', path: /^\/api\/v1\/index$/, answer: indexed },
  { method: 'POST', path: /^\/api\/v1\/index\/batch$/, answer: batchIndexed },
  { method: 'DELETE', path: /^\/api\/v1\/index\/([^/]+)$/, answer: erased },
  { method: 'GET', path: /^\/api\/v1\/search\/status\/[^/]+$/, answer: (body) => body },
  { method: 'POST', path: /^\/api\/v1\/search$/, defaults: { limit: '1000' }, answer: searched },
  {
    method: 'POST',
    path: /^\/api\/v1\/faces\/search-session$/,
    moved: (url) => url.replace('/faces/search-session', '/search'),
    defaults: { limit: '1000' },
    answer: searchedInSession,
  },
  {
    method: 'POST',
    path: /^\/api\/v1\/faces\/index-session\/([^/]+)$/,
    moved: (url) => {
      const [, session = '', query] = /\/index-session\/([^/?]+)(?:\?(.*))?$/.exec(url) ?? [];
      const parameters = [`session_id=${encodeURIComponent(decodeURIComponent(session))}`, query];
      return `/api/v1/index?${parameters.filter(Boolean).join('&')}`;
    },
    answer: indexed,
  },
  { method: 'GET', path: /^\/api\/v1\/health$/, moved: () => '/health', answer: healthy },
  { method: 'GET', path: /^\/api\/v1\/metrics$/, moved: () => '/metrics', answer: (body) => body },
];

const NAMES = { file: 'image', sessionId: 'session_id', photoId: 'photo_id', s3Key: 's3_key' };

function translateRequest(call: Call, sent: Body, exchange: Exchange): Body {
  const { s3_prefix, ...fields }: Body = { ...call.defaults, ...sent };
  if (call.defaults) {
    const threshold = numberOf(fields['threshold']);
    if (threshold !== null) {
      exchange.fields['search_threshold'] = threshold;
      fields['threshold'] = similarityOfCosine(threshold, exchange.calibration);
    }
  }
  if (typeof s3_prefix === 'string' && s3_prefix !== '') {
    const under = (key: unknown) => (typeof key === 'string' ? `${s3_prefix.replace(/\/+$/, '')}/${key}` : key);
    if ('s3_key' in fields) fields['s3_key'] = under(fields['s3_key']);
    if (Array.isArray(fields['photos']))
      fields['photos'] = fields['photos'].map((photo: Body | null) =>
        photo && typeof photo === 'object' ? { ...photo, s3_key: under(photo['s3_key']) } : photo,
      );
  }
  exchange.fields = { ...exchange.fields, ...fields };
  return fields;
}

/** A plain decimal from 0 to 1; anything else is left for the call to refuse. */
function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d(\.\d{1,15})?$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number <= 1 ? number : null;
}

function sessionOfPath(request: Request, { path, method }: Call): Body {
  const [, session] = path.exec(request.path) ?? [];
  return method === 'DELETE' && session !== undefined ? { session_id: decodeURIComponent(session) } : {};
}

/** Every body of JSON, a problem too, passes here on its way out. */
function translateAnswers(response: Response, translate: (body: Body) => Body): void {
  const send = response.json.bind(response);
  response.json = (body: Body) => {
    const translated = translate(body);
    response.type('application/json');
    return send(translated);
  };
}

function created(body: Body, response: Response): Body {
  response.status(201);
  return body;
}

function speaksThisApi(request: Request): boolean {
  const accepted = request.get('accept') ?? '';
  return (
    /application\/(problem\+json|x-ndjson)/.test(accepted) || Boolean(request.get('content-type')?.startsWith('image/'))
  );
}

/** Their `similarity` and `threshold` are cosines of an ArcFace model: that of a similarity of ours. */
function cosineOf(similarity: number, calibration: Calibration): number {
  return rounded(cosineOfSimilarity(similarity, calibration), 4);
}

/**
 * Of their model. Where another pack runs, a threshold is translated by how many strangers it lets pass, and the
 * figure is that of models/arcface, which is an assumption.
 */
function calibrationOf({ name, calibration }: ModelPack): Calibration {
  return name === 'arcface' ? calibration : ARCFACE;
}

const ARCFACE: Calibration = {
  false_match_rates: [{ cosine: 0.3, false_match_rate: 1e-4 }],
};
