#!/bin/sh
# Indexes two photos, searches by a selfie, gets the status, and erases everything again. Needs curl.
# FACEPASS_URL, FACEPASS_API_KEY: the service and a key. Arguments: photo photo selfie.
set -eu
session="example-$$"
api="$FACEPASS_URL/api/v1"

for photo in "$1" "$2"; do
  curl --silent --show-error --fail-with-body --retry 5 "$api/index" -H "X-API-Key: $FACEPASS_API_KEY" \
    -F session_id="$session" -F photo_id="$(basename "$photo")" -F image=@"$photo"
  echo
done

curl --silent --show-error --fail-with-body --retry 5 "$api/search" -F session_id="$session" -F image=@"$3"
echo
curl --silent --show-error --fail-with-body "$api/search/status/$session"
echo
curl --silent --show-error --fail-with-body -X DELETE "$api/index/$session" -H "X-API-Key: $FACEPASS_API_KEY"
echo
