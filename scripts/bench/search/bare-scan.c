/*
 * The bound of an exact search: one core computes the inner product of a query with every vector of a session that
 * lies in memory, half precision as the database stores it, and counts those at or above a threshold.
 *
 *   bare-scan FILE DIMENSION THRESHOLD    FILE: little-endian half floats, the query first, then the vectors
 *
 * Each line on standard input is answered with one scan: "<microseconds> <of them on the processor> <vectors> <vectors at or above THRESHOLD>".
 */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static float inner_product(const unsigned short *a, const unsigned short *b, int dimension) {
  __m256 first = _mm256_setzero_ps(), second = _mm256_setzero_ps();
  for (int i = 0; i < dimension; i += 16) {
    first = _mm256_fmadd_ps(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(a + i))),
                            _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(b + i))), first);
    second = _mm256_fmadd_ps(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(a + i + 8))),
                             _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(b + i + 8))), second);
  }
  float lanes[8], sum = 0;
  _mm256_storeu_ps(lanes, _mm256_add_ps(first, second));
  for (int i = 0; i < 8; i++) sum += lanes[i];
  return sum;
}

static double microseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "bare-scan FILE DIMENSION THRESHOLD\n"), 2;
  int dimension = atoi(argv[2]);
  float threshold = atof(argv[3]);
  FILE *file = fopen(argv[1], "rb");
  if (!file || dimension <= 0 || dimension % 16) return fprintf(stderr, "no such file, or a dimension that is no multiple of 16\n"), 2;
  fseek(file, 0, SEEK_END);
  long bytes = ftell(file), count = bytes / 2 / dimension - 1;
  rewind(file);
  unsigned short *query = malloc(bytes), *vectors = query + dimension;
  if (!query || fread(query, 1, bytes, file) != (size_t)bytes) return fprintf(stderr, "the file cannot be read\n"), 2;
  while (getchar() != EOF) {
    long matching = 0;
    double wall = microseconds(CLOCK_MONOTONIC), processor = microseconds(CLOCK_PROCESS_CPUTIME_ID);
    for (long i = 0; i < count; i++) matching += inner_product(query, vectors + i * dimension, dimension) >= threshold;
    processor = microseconds(CLOCK_PROCESS_CPUTIME_ID) - processor;
    wall = microseconds(CLOCK_MONOTONIC) - wall;
    printf("%.1f %.1f %ld %ld\n", wall, processor, count, matching);
    fflush(stdout);
  }
  return 0;
}
