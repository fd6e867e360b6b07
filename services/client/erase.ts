import type { FacepassClient } from './client-type.ts';

/** Erases one photo, whatever its id. */
export function erasePhoto(client: FacepassClient, session_id: string, photo_id: string) {
  return isStepInPath(photo_id)
    ? client.DELETE('/api/v1/index/{session_id}/photos', { params: { path: { session_id }, query: { photo_id } } })
    : client.DELETE('/api/v1/index/{session_id}/photos/{photo_id}', { params: { path: { session_id, photo_id } } });
}

/** Erases a session, whatever its id. */
export function eraseSession(client: FacepassClient, session_id: string) {
  return isStepInPath(session_id)
    ? client.DELETE('/api/v1/index', { params: { query: { session_id } } })
    : client.DELETE('/api/v1/index/{session_id}', { params: { path: { session_id } } });
}

/** Every URL parser takes these away: `/photos/..` becomes the path of the session. */
function isStepInPath(id: string): boolean {
  return id === '.' || id === '..';
}
