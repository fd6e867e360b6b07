import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createFacepassClient, type FacepassClient } from '@facepass/client';
import * as z from 'zod';
import { EXIT, Failure } from './failures.ts';

export interface Connection {
  url: string;
  apiKey?: string;
  /** Where the address comes from, for `doctor`. */
  source: string;
}

export interface ConnectionOptions {
  url?: string;
  apiKey?: string;
}

/** What ./scripts/start leaves in its data directory. */
const development = z.object({ api_key: z.string(), url: z.url().optional() });

/**
 * Finds the service: from the options, else FACEPASS_URL and FACEPASS_API_KEY, else what ./scripts/start left in
 * FACEPASS_DATA or in the nearest `.facepass` upwards. The development key goes only to the development service.
 */
export function findConnection(
  options: ConnectionOptions,
  environment = process.env,
  directory = process.cwd(),
): Connection {
  const local = readDevelopment(environment, directory);
  const named = options.url ?? environment['FACEPASS_URL'];
  const apiKey = options.apiKey ?? environment['FACEPASS_API_KEY'];
  if (named && !/^https?:\/\//.test(named))
    throw new Failure(EXIT.usage, `${named}: the address must begin with http:// or https://`);
  const url = (named ?? local?.url ?? DEFAULT_URL).replace(/\/+$/, '');
  return {
    url,
    apiKey: apiKey ?? (url === local?.url ? local.api_key : undefined),
    source: options.url ? '--url' : named ? 'FACEPASS_URL' : local?.url ? local.path : 'the default',
  };
}

const DEFAULT_URL = 'http://127.0.0.1:8080';

export function clientOf({ url, apiKey }: Connection): FacepassClient {
  return createFacepassClient({ baseUrl: url, apiKey });
}

function readDevelopment(environment: NodeJS.ProcessEnv, directory: string) {
  const path = environment['FACEPASS_DATA'] ? join(environment['FACEPASS_DATA'], FILE) : findUpwards(directory);
  if (!path || !existsSync(path)) return null;
  const parsed = development.safeParse(parseJson(readFileSync(path, 'utf8')));
  if (!parsed.success)
    throw new Failure(
      EXIT.usage,
      `${path} is damaged: ${z.prettifyError(parsed.error)}\nRun ./scripts/start, or pass --url and --api-key.`,
    );
  return { ...parsed.data, path };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const FILE = 'development.json';

function findUpwards(directory: string): string | null {
  const path = join(directory, '.facepass', FILE);
  if (existsSync(path)) return path;
  const parent = dirname(directory);
  return parent === directory ? null : findUpwards(parent);
}
