/** What this release requires of a database; the API, the migrator and `facepass doctor` use the same rules. */

/** Schema versions that the API accepts; within this range an older and a newer API serve side by side. */
export const SCHEMA_VERSIONS = { least: 3, most: 3 } as const;

/** CVE-2026-3172 affects versions up to 0.8.1; 0.8.2 overflows in parallel HNSW builds; 0.8.3 corrupts HNSW in vacuum. */
export const LEAST_PGVECTOR = '0.8.4';

/**
 * Whether this release works with the pgvector `version`: it is new enough, or exactly the one that
 * ALLOW_PGVECTOR_VERSION names.
 */
export function acceptsPgvector(version: string, allowedByName: string | undefined): boolean {
  return !isOlder(version, LEAST_PGVECTOR) || version === allowedByName;
}

/** Whether the version `version` comes before `least`; up to three numbers with dots, missing ones count as 0. */
function isOlder(version: string, least: string): boolean {
  const [left, right] = [version, least].map((text) => text.split('.').map(Number));
  const difference = [0, 1, 2].map((place) => (left?.[place] ?? 0) - (right?.[place] ?? 0)).find((step) => step !== 0);
  return difference !== undefined && difference < 0;
}
