import type { Client } from 'openapi-fetch';
import type { paths } from './gen/openapi.ts';

/** A client of openapi-fetch whose calls are those of the service. */
export type FacepassClient = Client<paths>;
