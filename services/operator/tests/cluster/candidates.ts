import { readFile } from 'node:fs/promises';
import { root } from '../../../../charts/tests/cluster.ts';

/** Helm settings that make a release of another template; the product has no code for any of them. */
export type Candidate = string[];

/** The same program, released once more. */
export const good = (label: string): Candidate => [`--set-string api.podAnnotations.release=${label}`];

/** The API answers one route, which the smoke test does not call, with 500. */
export const failing = (): Candidate =>
  withPreload(`
    const { writeHead } = ServerResponse.prototype;
    ServerResponse.prototype.writeHead = function (status, ...rest) {
      return writeHead.call(this, this.req.url.startsWith('/api/v1/search/status/') ? 500 : status, ...rest);
    };`);

/** The same route takes a second and a half longer. */
export const slow = (): Candidate =>
  withPreload(`
    const { end } = ServerResponse.prototype;
    ServerResponse.prototype.end = function (...rest) {
      if (!this.req.url.startsWith('/api/v1/search/status/')) return end.apply(this, rest);
      setTimeout(() => end.apply(this, rest), 1500);
      return this;
    };`);

/**
 * Inference whose manifest gives its recogniser wrong pixels: it loads, answers 200, and takes no face for one, because
 * each vector is too short.
 */
export const wrongModel = (): Candidate => [
  '--set inference.models.volume.configMap.name=wrong-model',
  '--set inference.models.volume.configMap.items[0].key=manifest.json,inference.models.volume.configMap.items[0].path=sface/manifest.json',
  '--set inference.env.MODEL_WEIGHTS_DIRECTORY=/app/models/sface',
];

/** The ConfigMap that `wrongModel` mounts. */
export async function wrongModelManifest(): Promise<string> {
  const manifest = JSON.parse(await readFile(`${root}/models/sface/manifest.json`, 'utf8')) as {
    recogniser: { scale: number[] };
  };
  // Pixels become nearly nothing, and so does the vector of a face.
  manifest.recogniser.scale = [1e-6, 1e-6, 1e-6];
  return JSON.stringify(manifest);
}

/** Inference that looks for its weights where there are none. */
export const neverReady = (): Candidate => ['--set inference.env.MODEL_WEIGHTS_DIRECTORY=/nowhere'];

/** The migration may not log in. */
export const failingMigration = (): Candidate => [
  '--set postgres.migrationExistingSecret=facepass-database-wrong-password',
  '--set migration.backoffLimit=0',
];

/** An API that runs `code` first, with ServerResponse at hand. */
function withPreload(code: string): Candidate {
  const module = Buffer.from(`import { ServerResponse } from 'node:http';${code}`).toString('base64');
  return [`--set-string api.env.NODE_OPTIONS='--import data:text/javascript;base64\\,${module}'`];
}
