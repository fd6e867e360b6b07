import { unwatchFile, watchFile } from 'node:fs';
import type * as z from 'zod';
import { messageOf } from './errors.ts';
import type { FileGauges } from './exposition.ts';
import type { Logger } from './logger.ts';

/**
 * Calls `changed` within a second of a change to one of the files, also when a Secret or ConfigMap that Kubernetes
 * mounts is replaced.
 */
export function watchFiles(paths: readonly string[], changed: () => void): Disposable {
  // unwatchFile knows a listener by its identity: two watchers of one file must not share one.
  const own = () => changed();
  for (const path of paths) watchFile(path, { interval: LOOK_MS }, own).unref();
  return { [Symbol.dispose]: () => paths.forEach((path) => unwatchFile(path, own)) };
}

const LOOK_MS = 500;

/** The files that variables of `schema` come from: those of `NAME_FILE`, and those that a variable itself names. */
export function filesOf(schema: z.ZodObject, environment: NodeJS.ProcessEnv = process.env): string[] {
  const names = Object.keys(schema.shape);
  const own = names.filter((name) => name.endsWith('_FILE'));
  return [...new Set([...names.map((name) => `${name}_FILE`), ...own])].flatMap((name) => environment[name] || []);
}

/**
 * Reads the configuration again whenever one of its files changes, and hands it to `use`: certificates and passwords
 * are renewed without a restart. One that cannot be read, or that `use` refuses, leaves the old one in force; the log
 * and the gauge `facepass_reload_failed` say so until a later one is taken.
 */
export function keepConfigurationFresh<Config>({
  files,
  read,
  use,
  gauges,
  logger,
}: {
  files: readonly string[];
  read: () => Config;
  use: (config: Config) => void;
  gauges: FileGauges;
  logger: Logger;
}): Disposable {
  if (files.length === 0) return { [Symbol.dispose]: () => undefined };
  gauges.reloadFailed('configuration', false);
  return watchFiles(files, () => {
    try {
      use(read());
      gauges.reloadFailed('configuration', false);
      logger.info('configuration reloaded after a change to its files');
    } catch (error) {
      gauges.reloadFailed('configuration', true);
      logger.error({ reason: messageOf(error) }, 'cannot reload the configuration; the previous one stays in use');
    }
  });
}
