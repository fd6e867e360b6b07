import {
  answerOf,
  erasePhoto,
  eraseSession,
  createFacepassClient,
  multipart,
  patientFetch,
  type components,
  type paths,
} from '@facepass/client';

/** The calls of the service that the pages make. Each throws `Problem`. */
export interface Service {
  settings(): Promise<Settings>;
  health(): Promise<Health>;
  status(sessionId: string): Promise<SessionStatus>;
  index(sessionId: string, photoId: string, image: Blob, signal: AbortSignal): Promise<IndexAnswer>;
  search(query: SearchQuery, signal: AbortSignal): Promise<SearchAnswer>;
  erasePhoto(sessionId: string, photoId: string): Promise<void>;
  eraseSession(sessionId: string): Promise<void>;
  createSearchToken(sessionId: string, expiresInSeconds: number): Promise<SearchToken>;
  /** The newest twenty of a session. */
  jobs(sessionId: string): Promise<Job[]>;
  /** The first hundred of a job. */
  failedPhotos(jobId: string): Promise<JobPhoto[]>;
  retryJob(jobId: string): Promise<void>;
  cancelJob(jobId: string): Promise<void>;
}

export interface SearchQuery {
  sessionId: string;
  /** Up to five pictures of one person. */
  images: readonly Blob[];
  /** 0 to 1; the service's own when absent. */
  threshold?: number;
  limit?: number;
  /** The largest face when absent. */
  faceIndex?: number;
  /** Told before each wait when the service is busy, in milliseconds. */
  onWait?: (waitMs: number) => void;
}

type Answer<Path extends keyof paths, Method extends keyof paths[Path]> = paths[Path][Method] extends {
  responses: { 200: { content: { 'application/json': infer Body } } };
}
  ? Body
  : never;

export type Settings = Answer<'/api/v1/settings', 'get'>;
export type Health = Answer<'/health', 'get'>;
export type SessionStatus = Answer<'/api/v1/search/status/{session_id}', 'get'>;
export type IndexAnswer = Answer<'/api/v1/index', 'post'>;
export type SearchAnswer = Answer<'/api/v1/search', 'post'>;
export type Match = SearchAnswer['matches'][number];
export type Job = components['schemas']['Job'];
export type JobPhoto = components['schemas']['JobPhotoState'];
export type SearchToken = Answer<'/api/v1/search/tokens', 'post'>;

/**
 * The service at this page's own origin. An upload is not repeated here: the queue does that, for all of them together.
 */
export function createService(credentials: {
  apiKey: () => string | undefined;
  searchToken: () => string | undefined;
}): Service {
  const client = createFacepassClient({ baseUrl: location.origin, ...credentials });
  return {
    settings: async () => answerOf(await client.GET('/api/v1/settings')),
    health: async () => answerOf(await client.GET('/health')),
    status: async (sessionId) =>
      answerOf(await client.GET('/api/v1/search/status/{session_id}', { params: { path: { session_id: sessionId } } })),
    async index(sessionId, photoId, image, signal) {
      const body = { session_id: sessionId, photo_id: photoId, image };
      return answerOf(await client.POST('/api/v1/index', { body, bodySerializer: multipart, signal }));
    },
    async search({ sessionId, images, threshold, limit, faceIndex, onWait }, signal) {
      const body = { session_id: sessionId, threshold, limit, face_index: faceIndex, image: [...images] };
      const fetch = patientFetch({ attempts: 4, longestWaitMs: 10_000, onWait });
      return answerOf(await client.POST('/api/v1/search', { body, bodySerializer: multipart, signal, fetch }));
    },
    async erasePhoto(sessionId, photoId) {
      answerOf(await erasePhoto(client, sessionId, photoId));
    },
    async eraseSession(sessionId) {
      answerOf(await eraseSession(client, sessionId));
    },
    async createSearchToken(sessionId, expiresInSeconds) {
      const body = { session_id: sessionId, expires_in_seconds: expiresInSeconds };
      return answerOf(await client.POST('/api/v1/search/tokens', { body }));
    },
    jobs: async (sessionId) =>
      answerOf(await client.GET('/api/v1/jobs', { params: { query: { session_id: sessionId } } })).jobs,
    async failedPhotos(jobId) {
      const params = { path: { job_id: jobId }, query: { state: 'failed' as const, limit: 100 } };
      return answerOf(await client.GET('/api/v1/jobs/{job_id}/photos', { params })).photos;
    },
    async retryJob(jobId) {
      answerOf(await client.POST('/api/v1/jobs/{job_id}/retry', { params: { path: { job_id: jobId } } }));
    },
    async cancelJob(jobId) {
      answerOf(await client.DELETE('/api/v1/jobs/{job_id}', { params: { path: { job_id: jobId } } }));
    },
  };
}
