const STORE = 'facepass-recent-sessions';
const KEPT = 8;

/** Names of the sessions opened last in this browser, newest first. */
export function recentSessions(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORE) ?? '[]');
    return Array.isArray(stored) ? stored.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}

export function rememberSession(sessionId: string): void {
  localStorage.setItem(
    STORE,
    JSON.stringify([sessionId, ...recentSessions().filter((id) => id !== sessionId)].slice(0, KEPT)),
  );
}

export function forgetSession(sessionId: string): void {
  localStorage.setItem(STORE, JSON.stringify(recentSessions().filter((id) => id !== sessionId)));
}
