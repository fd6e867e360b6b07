import { parse, type ParsedUrlQuery } from 'node:querystring';
import { ApiProblem } from '@facepass/indexing/errors';

/**
 * Parses a query for Express. Node's own parser replaces invalid UTF-8 by U+FFFD, which merges two ids into one.
 * @throws ApiProblem invalid_parameter
 */
export function parseQuery(query: string | null | undefined): ParsedUrlQuery {
  let malformed = false;
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      malformed = true;
      return text;
    }
  };
  const parameters = parse(query ?? '', '&', '=', { decodeURIComponent: decode });
  if (malformed) throw new ApiProblem('invalid_parameter', 'The query is not well-formed percent-encoding of UTF-8.');
  return parameters;
}
