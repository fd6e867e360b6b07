/**
 * Where the photographer's own site shows a photo, by the template that the operator configured; `null` without one.
 * A path stays on this origin.
 */
export function photoAddress(template: string | null, sessionId: string, photoId: string): string | null {
  if (template === null) return null;
  return template
    .replaceAll('{session_id}', encodeURIComponent(sessionId))
    .replaceAll('{photo_id}', encodeURIComponent(photoId));
}
